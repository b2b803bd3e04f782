"""The 25 verifiable instructions of IFEval: how each is written, read, checked, and which of them go together."""
