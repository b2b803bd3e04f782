"""Proposer rewards for a solve rate, terms that a batch adds to a message's credit, and control arms."""
