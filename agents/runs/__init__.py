"""Files of a run's folder: rows, metrics, timings, trackers, events, the lock. No torch."""
