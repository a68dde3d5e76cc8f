"""Finished requests as traces in Langfuse. Nothing here loads before it is switched on."""
