"""The `rules` judge: instructions that a machine can check, scored by the share of their clauses that an answer meets.

An instruction is one or more clauses joined by `;`, all out of one vocabulary: `basic`, the six of `clauses.FORMS`, or
`ifeval`, the 25 of the benchmark IFEval in the closed forms of `ifeval.table`, checked by the same code as the benchmark.
Some answer must meet all clauses; every other instruction is unscorable, so that a challenger earns nothing by an instruction
that nobody can check or follow. Whether clauses go together is decided by writing an answer and scoring it. Of `basic`'s that
answer is found where there is any; of `ifeval`'s it may be missed: `no_witness`, where no proof says `contradiction`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, TypeVar

from ..checks.answers import MAX_ANSWER_CHARS, read_answer, visible
from ..checks.clauses import PART, Clause, read_clause
from ..checks.ifeval import clauses as ifeval
from ..checks.ifeval.contradictions import contradicts
from ..checks.ifeval.packages import require_packages
from ..checks.ifeval.scoring import met_clauses
from ..checks.ifeval.witness import witness as ifeval_witness
from ..core.errors import UsageError
from ..core.judging import JudgeItem, Score

__all__ = ["MAX_ANSWER_CHARS", "MAX_CLAUSES", "RulesJudge", "parse_ifeval", "parse_instruction", "witness"]

T = TypeVar("T")
MAX_CLAUSES = 8
MAX_IFEVAL_CHARS = 4_000
"""Longer instructions are not read for clauses of `ifeval`."""
FILLER = "日"
"""The shortest word that every instruction allows: its letter has no case, and only letters from a to z can be avoided."""


def parse_instruction(text: str) -> list[Clause] | str:
    """The clauses of an instruction, or the reason why it cannot be scored.

    Reasons, the first that holds: `no_clause`, `too_many_clauses`, `unknown_clause`, `repeated_clause`, `contradiction` (no
    answer meets all of them).
    """
    clauses = _read(visible(text).split(";"), read_clause)
    return clauses if isinstance(clauses, str) or witness(clauses) is not None else "contradiction"


@lru_cache(maxsize=256)
def parse_ifeval(text: str) -> tuple[ifeval.Clause, ...] | str:
    """The clauses of an instruction in the vocabulary `ifeval`, or the reason why it cannot be scored.

    Reasons, the first that holds: `instruction_too_long`, those of `parse_instruction`, of which `contradiction` is proved
    here, and `no_witness` (nothing is proved, but no answer that meets all clauses was constructed).
    """
    if len(text) > MAX_IFEVAL_CHARS:
        return "instruction_too_long"
    clauses = _read(PART.findall(visible(text)), ifeval.read_clause)
    if isinstance(clauses, str):
        return clauses
    if contradicts(clauses):
        return "contradiction"
    return tuple(clauses) if ifeval_witness(clauses) is not None else "no_witness"


def _read(parts: Sequence[str], read: Callable[[str], T | None]) -> list[T] | str:
    """The clauses that parts of an instruction are, or the reason why they are none."""
    texts = [text for part in parts if (text := " ".join(part.split()).strip(" ."))]
    if not texts:
        return "no_clause"
    if len(texts) > MAX_CLAUSES:
        return "too_many_clauses"
    clauses = [clause for text in texts if (clause := read(text)) is not None]
    if len(clauses) < len(texts):
        return "unknown_clause"
    return "repeated_clause" if len(set(clauses)) < len(clauses) else clauses


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
    """Scores answers to machine-checkable instructions; pure, so its games stay deterministic.

    Args:
        vocabulary: The clauses that instructions are made of: `basic` or `ifeval`, which needs the extra `ifeval`.
        loose: Whether a clause of `ifeval` is met as well by an answer without its first line, its last or both, or without
            asterisks, as in the benchmark's loose scoring.

    Raises:
        UsageError: A package is missing, or `loose` is given for `basic`.
    """

    name = "rules"

    def __init__(self, *, vocabulary: Literal["basic", "ifeval"] = "basic", loose: bool = False) -> None:
        if vocabulary == "ifeval":
            require_packages("vocabulary='ifeval'")
        elif loose:
            raise UsageError(f"loose={loose} is a scoring of IFEval's; add vocabulary=ifeval, or leave it out.")
        self.vocabulary, self.loose = vocabulary, loose

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """Per item, one value in [0, 1] per answer; `reason` is why a prompt cannot be scored (values are then 0)."""
        score = self._score_ifeval if self.vocabulary == "ifeval" else self._score_basic
        return [score(item) for item in items]

    def _score_basic(self, item: JudgeItem) -> Score:
        clauses = parse_instruction(item.messages[-1].content)
        if isinstance(clauses, str):
            return _unscorable(item, clauses)
        answers = [read_answer(text) for text in item.answers]
        met = [0 if answer is None else sum(clause.met(answer) for clause in clauses) for answer in answers]
        return Score(values=tuple(count / len(clauses) for count in met))

    def _score_ifeval(self, item: JudgeItem) -> Score:
        clauses = parse_ifeval(item.messages[-1].content)
        if isinstance(clauses, str):
            return _unscorable(item, clauses)
        return Score(values=tuple(sum(met_clauses(clauses, text, loose=self.loose)) / len(clauses) for text in item.answers))


def _unscorable(item: JudgeItem, reason: str) -> Score:
    return Score(values=tuple(0.0 for _ in item.answers), reason=reason)
