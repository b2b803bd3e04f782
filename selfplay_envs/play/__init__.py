"""Drives games: matches, episodes, the referee that answers their requests, replay."""
