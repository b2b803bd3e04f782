"""Judges that need no model, and the table in which judges are found."""
