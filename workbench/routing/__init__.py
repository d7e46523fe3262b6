"""Routers: the best LLM from the prompt alone."""
