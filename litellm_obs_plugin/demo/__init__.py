"""A gateway to play with: simulated providers, a LiteLLM proxy in front, steady traffic."""
