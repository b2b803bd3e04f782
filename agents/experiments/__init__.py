"""Several runs under one budget: arms, seeds, cells, and the claims that they decide."""
