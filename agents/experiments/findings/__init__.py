"""What an experiment found: its arms beside the base, and the claims that this decides."""
