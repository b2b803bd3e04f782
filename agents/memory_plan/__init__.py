"""Plans the memory of a run, and which GPU it fits, before anything is loaded."""
