"""Which clauses a response meets, strictly or loosely, as IFEval counts them."""

from __future__ import annotations

from collections.abc import Sequence

from .clauses import Clause

MAX_RESPONSE_CHARS = 20_000
"""Longer responses meet no clause; the published checks have no limit."""


def variants(response: str) -> list[str]:
    """The response, and for loose scoring seven more: without first line, last line or both, and all four without asterisks."""
    lines = response.split("\n")
    cut = [response, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*cut, *(text.replace("*", "") for text in cut)]


def met_clauses(clauses: Sequence[Clause], response: str, *, loose: bool = False) -> list[bool]:
    """Whether the response meets each clause; loosely, whether any of its variants does. What is blank meets none."""
    if len(response) > MAX_RESPONSE_CHARS:
        return [False] * len(clauses)
    texts = [text for text in (variants(response) if loose else [response]) if text.strip()]
    return [any(clause.met(text) for text in texts) for clause in clauses]
