"""pass@k on fixed tasks, and the statistics of a difference."""
