"""Judges that hold a model or a connection, those that compare, and which of them a run binds."""
