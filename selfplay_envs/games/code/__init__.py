"""Deduction, abduction and induction: a proposer writes programs, a panel solves them."""
