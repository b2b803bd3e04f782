"""Checks of answers by running programs: generators that yield sandbox jobs and return a finding."""
