"""Command lines made into configs, models and games."""
