"""How sure a model is of its next token: over training, token by token, and what an update makes of it."""
