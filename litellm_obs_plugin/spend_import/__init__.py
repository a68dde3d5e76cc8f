"""The past that LiteLLM's own spend log knows, brought into history."""
