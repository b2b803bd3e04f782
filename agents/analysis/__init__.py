"""Questions asked of finished runs, samples and checkpoints: pure functions that return frozen results."""
