"""Proofs by reading a program: that its calls cannot meet, and that they return the same every time."""
