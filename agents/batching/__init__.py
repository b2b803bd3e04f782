"""From episodes to tensors: batches, groups, rows that share a prompt, micro-batches."""
