"""Fixed problems, such as a benchmark's, as a game of one role."""
