"""Promises of every registered game, as checks for the command line and for pytest."""
