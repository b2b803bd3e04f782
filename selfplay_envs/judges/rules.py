"""The `rules` judge: instructions that a machine can check, scored by the share of their clauses that an answer meets.

An instruction is one or more clauses joined by `;`. Every clause has one of the forms of `clauses.FORMS`, and some answer
meets them all; every other instruction is unscorable, so that a challenger earns nothing by an instruction that nobody can
check or follow. Whether clauses go together is decided by writing an answer and scoring it, not by a list of contradictions.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..checks.answers import MAX_ANSWER_CHARS, read_answer, visible
from ..checks.clauses import Clause, read_clause
from ..core.judging import JudgeItem, Score

__all__ = ["MAX_ANSWER_CHARS", "MAX_CLAUSES", "RulesJudge", "parse_instruction", "witness"]

MAX_CLAUSES = 8
FILLER = "日"
"""The shortest word that every instruction allows: its letter has no case, and only letters from a to z can be avoided."""


def parse_instruction(text: str) -> list[Clause] | str:
    """The clauses of an instruction, or the reason why it cannot be scored.

    Reasons, the first that holds: `no_clause`, `too_many_clauses`, `unknown_clause`, `repeated_clause`, `contradiction` (no
    answer meets all of them).
    """
    parts = [" ".join(part.split()).strip(" .") for part in visible(text).split(";")]
    parts = [part for part in parts if part]
    if not parts:
        return "no_clause"
    if len(parts) > MAX_CLAUSES:
        return "too_many_clauses"
    clauses: list[Clause] = []
    for part in parts:
        clause = read_clause(part)
        if clause is None:
            return "unknown_clause"
        clauses.append(clause)
    if len(set(clauses)) < len(clauses):
        return "repeated_clause"
    return clauses if witness(clauses) is not None else "contradiction"


def witness(clauses: Sequence[Clause]) -> str | None:
    """A shortest answer that meets all clauses, or None where there is none.

    It has every demanded word as often as it must, fillers up to the count, one space between words, and one case: first
    lower case, which folds to the same words and is never longer, then upper case. Where it misses a clause, so does every
    other answer, but for ligatures that save room in words of thousands of letters.
    """

    def arguments(*kinds: str) -> list[str]:
        return [clause.argument for clause in clauses if clause.kind in kinds]

    head, tail = arguments("start")[:1], arguments("end")[:1]
    middle = [word for word in dict.fromkeys(arguments("include", "start", "end")) if word not in (*head, *tail)]
    count = int(next(iter(arguments("count")), 1))
    if count == 1 and head == tail and not middle:
        tail = []  # one word is the first and the last
    fillers = [FILLER] * (count - len(head + middle + tail))
    text = " ".join((*head, *fillers, *middle, *tail))
    for spelled in (text.lower(), text.upper()):
        answer = read_answer(spelled)
        if answer is not None and all(clause.met(answer) for clause in clauses):
            return spelled
    return None


class RulesJudge:
    """Scores answers to machine-checkable instructions; pure, so its games stay deterministic."""

    name = "rules"

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """Per item, one value in [0, 1] per answer; `reason` is why a prompt cannot be scored (values are then 0)."""
        return [self._score(item) for item in items]

    @staticmethod
    def _score(item: JudgeItem) -> Score:
        clauses = parse_instruction(item.messages[-1].content)
        if isinstance(clauses, str):
            return Score(values=tuple(0.0 for _ in item.answers), reason=clauses)
        answers = [read_answer(text) for text in item.answers]
        met = [0 if answer is None else sum(clause.met(answer) for clause in clauses) for answer in answers]
        return Score(values=tuple(count / len(clauses) for count in met))
