"""The live dashboard: a process of its own that knows the gateway by its JSON alone."""
