"""A question of `selfplay analyze`: what proposers ask. Its options and its tables."""
