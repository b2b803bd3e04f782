"""Judges that hold a model, and which of them a run binds."""
