"""Policies, algorithms and the training loop. Light to import: torch is loaded when a name that needs it is first used."""
