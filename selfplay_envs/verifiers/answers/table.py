"""The table of verifiers of fixed problems, and the one place where their texts are read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ...core.errors import UsageError
from ...names.registry import Registry
from .base import AnswerVerifier

_HERE = "selfplay_envs.verifiers.answers"
ANSWER_VERIFIERS: Registry[type[AnswerVerifier]] = Registry(
    "verifier",
    {
        "exact": f"{_HERE}.exact:Exact",
        "choice": f"{_HERE}.choice:Choice",
        "numeric": f"{_HERE}.numeric:Numeric",
        "math": f"{_HERE}.math:Math",
        "reasoning-gym": f"{_HERE}.reasoning_gym:ReasoningGym",
        "chat": f"{_HERE}.chat:Chat",
        "ifeval": f"{_HERE}.ifeval:IFEval",
        "free-text": f"{_HERE}.chat:FreeText",
        "unit-tests": f"{_HERE}.unit_tests:UnitTests",
        "stdio": f"{_HERE}.stdio:Stdio",
        "reference": f"{_HERE}.reference:Reference",
        "deduction": f"{_HERE}.code:Deduction",
        "abduction": f"{_HERE}.code:Abduction",
        "induction": f"{_HERE}.code:Induction",
    },
    group="selfplay_envs.answer_verifiers",
    what="a subclass of AnswerVerifier",
    fits=callable,
    takes=0,
)


@lru_cache(maxsize=64)
def find_answer_verifier(text: str) -> AnswerVerifier:
    """The verifier of that text: `NAME` or `module:CLASS`, with options as in `numeric:rel_tol=1e-3`.

    Raises:
        UsageError: There is none, or an option is unknown or wrong.
    """
    made: Any = ANSWER_VERIFIERS.find(text)()
    if not isinstance(made, AnswerVerifier):
        raise UsageError(f"verifier={text!r} makes {made!r:.60}, which is no AnswerVerifier; derive it from that class.")
    return made
