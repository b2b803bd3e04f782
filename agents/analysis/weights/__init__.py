"""What training changed: two or three checkpoints of anybody's, weight by weight, read in slices."""
