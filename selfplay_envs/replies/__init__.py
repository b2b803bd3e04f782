"""Reads a player's text: the thought, the answer, tags and fenced blocks. Linear time, never raises."""
