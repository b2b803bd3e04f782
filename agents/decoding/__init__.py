"""One token after another from a transformers model: the loop, its cache, the draw of a token."""
