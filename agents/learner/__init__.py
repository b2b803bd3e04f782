"""Everything between a batch and changed weights; knows no sampler and no game."""
