"""Bases of games: prompt styles, and one proposal that a panel answers."""
