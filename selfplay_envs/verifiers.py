"""Verifiers by name: generators that yield jobs and return a finding, each with arguments of its own; a `Referee` runs them."""

from __future__ import annotations

from collections.abc import Callable

from .findings import Finding
from .named import Registry

Verifier = Callable[..., Finding]

VERIFIERS: Registry[Verifier] = Registry(
    "verifier",
    {
        "deduction": "selfplay_envs.verify:check_output",
        "abduction": "selfplay_envs.verify:check_input",
        "induction": "selfplay_envs.verify:check_program",
        "unit-tests": "selfplay_envs.unit_tests:check_unit_tests",
        "stdio": "selfplay_envs.stdio:check_stdio",
    },
    group="selfplay_envs.verifiers",
    what="a verifier function",
    fits=callable,
    takes=3,
)


def find_verifier(text: str) -> Verifier:
    """The verifier of that text: `NAME` or `module:NAME`, with options as in `deduction:strict=1` or `stdio:exact=1`.

    What it is called with: `deduction`, `abduction`, `induction` with (task, text); `unit-tests` with (program, entry_point,
    tests); `stdio` with (program, cases).

    Raises:
        UsageError: There is none, or it has no such keyword.
    """
    return VERIFIERS.find(text)
