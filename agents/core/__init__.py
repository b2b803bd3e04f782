"""Errors, seeds by name, and files that are written whole."""
