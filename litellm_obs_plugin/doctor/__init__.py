"""What is right and wrong with a proxy's configuration, and what to do about it."""
