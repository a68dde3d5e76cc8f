"""The HTTP glue; beside host/ the only part that knows FastAPI."""
