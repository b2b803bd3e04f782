"""The page of an experiment, a module per part of it."""
