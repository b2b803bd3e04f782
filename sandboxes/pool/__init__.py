"""From jobs to frames, from frames to workers, from replies to outcomes."""
