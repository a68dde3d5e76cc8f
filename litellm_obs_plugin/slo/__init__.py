"""Promises and limits: what was allowed, what is used, and when it will be used up."""
