"""Prompts in, replies out: the protocol of samplers, their table, and those without an engine of their own."""
