"""Pages and pictures made of results; computes nothing."""
