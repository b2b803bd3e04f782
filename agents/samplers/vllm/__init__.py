"""The sampler on vLLM: an engine in a process of its own, its supervisor and its weights."""
