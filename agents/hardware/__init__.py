"""This machine: its processor, memory and threads, and which short cuts pay on it."""
