"""The training loop, its state, its assembly, checkpoints, failures, weights to samplers."""
