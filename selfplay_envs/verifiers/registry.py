"""Verifiers by name: generators that yield jobs and return a finding, each with arguments of its own; a `Referee` runs them."""

from __future__ import annotations

from collections.abc import Callable

from ..names.registry import Registry
from .findings import Checking

Verifier = Callable[..., Checking]

VERIFIERS: Registry[Verifier] = Registry(
    "verifier",
    {
        "deduction": "selfplay_envs.verifiers.code_tasks:check_output",
        "abduction": "selfplay_envs.verifiers.code_tasks:check_input",
        "induction": "selfplay_envs.verifiers.code_tasks:check_program",
        "unit-tests": "selfplay_envs.verifiers.unit_tests:check_unit_tests",
        "stdio": "selfplay_envs.verifiers.stdio:check_stdio",
        "reference": "selfplay_envs.verifiers.reference.check:check_reference",
        "exact": "selfplay_envs.verifiers.exact:check_exact",
        "choice": "selfplay_envs.verifiers.choice:check_choice",
        "numeric": "selfplay_envs.verifiers.numeric:check_numeric",
        "math": "selfplay_envs.verifiers.math_answer:check_math",
        "reasoning-gym": "selfplay_envs.verifiers.reasoning_gym:check_reasoning_gym",
    },
    group="selfplay_envs.verifiers",
    what="a verifier function",
    fits=callable,
    takes=3,
)


def find_verifier(text: str) -> Verifier:
    """The verifier of that text: `NAME` or `module:NAME`, with options as in `deduction:strict=1` or `stdio:exact=1`.

    Its arguments: `deduction`, `abduction`, `induction` with (task, text); `unit-tests` with (program, entry_point,
    tests); `stdio` with (program, cases); `reference` with (program, entry_point, `ReferenceTests`).

    Raises:
        UsageError: There is none, or it has no such keyword.
    """
    return VERIFIERS.find(text)
