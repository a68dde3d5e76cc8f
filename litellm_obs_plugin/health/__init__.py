"""Is it well? Verdicts from traffic, circuits and free probes; never an LLM call."""
