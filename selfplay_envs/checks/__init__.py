"""Checks of answers that only read text; judges and verifiers may both use them."""
