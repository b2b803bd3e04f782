"""The `criteria` judge: how many of seven criteria of quality a request and its answer meet, as far as rules can tell.

It is ours, and stands in for a model's judgement where the model is too small to judge itself. Language Self-Play asks its
frozen model for seven yes or no criteria of quality, two of which rate the request; their sum, 0 to 7, is R_Q, which is added
to the reward. Here the same seven questions are asked of instructions of the `basic` clauses, and answered by counting:

| | the paper's criterion, in short | here |
|---|---|---|
| 1 | the task can be told from the request | every clause is understood, and some answer meets them all |
| 2 | the request is clear and specific | at most 3 clauses, each of another kind |
| 3 | a user can understand the answer | 3 to 12 words of letters from a to z, each with at most one sign of `.,;:!?` |
| 4 | it addresses a significant part | it meets at least one clause |
| 5 | it answers the core | it meets all clauses |
| 6 | it is clear and concise | 1 to 8 words, none of them twice, in any case |
| 7 | a user will like its form and style | it has a word, and is in capitals alone only where the request says uppercase |

Fewer than 3 words are readable where the request asks for exactly so few; were one word always, most criteria would like it
best.

Differences: a request that misses the first criterion is unscorable, with the reason that `rules` gives, where the paper's
model would take a point off; nothing is said about what words mean; and no justification is written. An answer that is empty
or too long for `rules` meets none of 3 to 7.

See: Kuba et al., Language Self-Play, arXiv 2509.07414, box 3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..checks.answers import read_answer
from ..checks.clauses import Clause
from ..checks.styles import in_capitals
from ..core.judging import JudgeItem, Score
from .rules import parse_instruction

__all__ = ["CriteriaJudge", "rate_answer", "rate_request"]

CLEAR_CLAUSES, LEAST_WORDS, READABLE_WORDS, CONCISE_WORDS = 3, 3, 12, 8
"""Most clauses of a clear request, fewest and most words of a readable answer, most of a concise one."""
READABLE = re.compile(r"[A-Za-z]++[.,;:!?]?")


class CriteriaJudge:
    """Scores request and answer together by the number of criteria that are met, 0 to 7, not scaled; pure."""

    name = "criteria"

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """Per item, one value in 0..7 per answer; `reason` is why a prompt cannot be scored (values are then 0)."""
        return [_score(item) for item in items]


def rate_request(clauses: Sequence[Clause]) -> int:
    """How many of the criteria 1 and 2 an instruction meets that was understood."""
    kinds = {clause.kind for clause in clauses}
    return 1 + (len(kinds) == len(clauses) <= CLEAR_CLAUSES)


def rate_answer(clauses: Sequence[Clause], text: str) -> int:
    """How many of the criteria 3 to 7 an answer to such an instruction meets."""
    answer = read_answer(text)
    if answer is None:
        return 0
    pieces, words, met = answer.text.split(), answer.words, [clause.met(answer) for clause in clauses]
    asked = min((int(clause.argument) for clause in clauses if clause.kind == "count"), default=LEAST_WORDS)
    readable = min(LEAST_WORDS, asked) <= len(pieces) <= READABLE_WORDS and all(map(READABLE.fullmatch, pieces))
    concise = 1 <= len(words) == len(set(words)) <= CONCISE_WORDS
    shouting = in_capitals(answer.text) and Clause("case", "uppercase") not in clauses
    return sum((readable, any(met), all(met), concise, bool(words) and not shouting))


def _score(item: JudgeItem) -> Score:
    clauses = parse_instruction(item.messages[-1].content)
    if isinstance(clauses, str):
        return Score(values=tuple(0.0 for _ in item.answers), reason=clauses)
    request = rate_request(clauses)
    return Score(values=tuple(float(request + rate_answer(clauses, answer)) for answer in item.answers))
