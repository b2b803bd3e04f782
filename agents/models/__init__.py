"""One transformers model: loading, chat templates, adapters, the frozen reference, log-probabilities."""
