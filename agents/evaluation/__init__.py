"""pass@k on fixed tasks, win rates by judges, and the statistics of a difference."""
