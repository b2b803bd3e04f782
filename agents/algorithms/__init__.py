"""The mathematics: advantages, losses, KL, filters as pure functions, and the table of algorithms made of them."""
