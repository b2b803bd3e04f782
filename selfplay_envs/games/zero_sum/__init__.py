"""Games of players against each other, whose payoffs add up to zero."""
