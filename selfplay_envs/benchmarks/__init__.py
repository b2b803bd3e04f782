"""Public benchmarks by name: facts, and how a row of each becomes a problem."""
