"""The gymnasium, vector and PettingZoo faces of a match."""
