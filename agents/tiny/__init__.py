"""The tiny laboratory model: its weights, its programs and its demonstrations."""
