"""Pages over a store: which LLM is best at what, who ranks best, what routing is worth."""
