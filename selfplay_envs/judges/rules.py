"""The `rules` judge: instructions that a machine can check, scored by the share of their clauses that an answer meets.

An instruction is one or more clauses joined by `;`. A clause is one of the sentences of `CLAUSES`, in any case; every
other clause makes the instruction unscorable, so that a challenger cannot be paid for asking the impossible to check.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..game import JudgeItem, Score

MAX_ANSWER_CHARS = 4_000
MAX_CLAUSES = 8

Check = Callable[[str], bool]


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z']+", text.lower())


CLAUSES: tuple[tuple[str, Callable[[str], Check]], ...] = (
    (r"use exactly (\d{1,3}) words?", lambda count: lambda answer: len(_words(answer)) == int(count)),
    (r"include the word ([a-z']+)", lambda word: lambda answer: word in _words(answer)),
    (r"avoid the letter ([a-z])", lambda letter: lambda answer: letter not in answer.lower()),
    (r"start with the word ([a-z']+)", lambda word: lambda answer: _words(answer)[:1] == [word]),
    (r"end with the word ([a-z']+)", lambda word: lambda answer: _words(answer)[-1:] == [word]),
    (
        r"use only (lowercase|uppercase)",
        lambda case: lambda answer: answer == (answer.lower() if case == "lowercase" else answer.upper()),
    ),
)
"""Pattern of a clause (lower case, anchored) and what makes its check; empty answers meet no clause."""


def parse_instruction(text: str) -> list[Check] | str:
    """The checks of an instruction, or the reason why it cannot be scored."""
    clauses = [clause.strip(" .\n\t").lower() for clause in text.split(";")]
    clauses = [clause for clause in clauses if clause]
    if not clauses:
        return "no_clause"
    if len(clauses) > MAX_CLAUSES:
        return "too_many_clauses"
    if len(set(clauses)) < len(clauses):
        return "repeated_clause"
    checks: list[Check] = []
    for clause in clauses:
        for pattern, make in CLAUSES:
            if found := re.fullmatch(pattern, clause):
                checks.append(make(found.group(1)))
                break
        else:
            return "unknown_clause"
    return "contradiction" if _contradicts(clauses) else checks


def _contradicts(clauses: list[str]) -> bool:
    """Whether two clauses obviously exclude each other: a demanded word with an avoided letter, two different counts."""
    text = " ; ".join(clauses)
    words = re.findall(r"the word ([a-z']+)", text)
    letters = re.findall(r"avoid the letter ([a-z])", text)
    single = (r"use exactly (\d+)", r"start with the word (\S+)", r"end with the word (\S+)", r"use only (\w+)")
    too_few = any(int(count) < len(set(words)) for count in re.findall(r"use exactly (\d+)", text))
    return (
        too_few
        or any(letter in word for letter in letters for word in words)
        or any(len(re.findall(p, text)) > 1 for p in single)
    )


class RulesJudge:
    """Scores answers to machine-checkable instructions; pure, so its games stay deterministic."""

    name = "rules"

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """Per item, one value in [0, 1] per answer; `reason` says why a prompt cannot be scored (values are then 0)."""
        return [self._score(item) for item in items]

    @staticmethod
    def _score(item: JudgeItem) -> Score:
        checks = parse_instruction(item.messages[-1].content)
        if isinstance(checks, str):
            return Score(values=tuple(0.0 for _ in item.answers), reason=checks)
        values: list[float] = []
        for answer in item.answers:
            usable = bool(answer.strip()) and len(answer) <= MAX_ANSWER_CHARS
            values.append(sum(check(answer) for check in checks) / len(checks) if usable else 0.0)
        return Score(values=tuple(values))
