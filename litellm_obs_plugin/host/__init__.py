"""Everything that knows LiteLLM; nothing else does."""
