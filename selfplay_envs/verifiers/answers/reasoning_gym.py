"""`reasoning-gym`: the answer is judged by the dataset of the package reasoning-gym that made the problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import UsageError
from ...replies.parsing import Parsed
from ...tasks.problem import Problem
from ..findings import Checking
from ..reasoning_gym import PACKAGES, check_reasoning_gym
from .base import AnswerVerifier, Extraction
from .questions import question_of

_ENTRY = {"name": str, "options": dict, "index": int, "metadata": str}


class ReasoningGym(AnswerVerifier):
    """Problems of `reasoning-gym:NAME`. Columns: `question`, `answer`, and `name`, `options`, `index` and `metadata`.

    The answer: all that the last `<answer>` holds, or all that follows the thought where there is none.
    Reasons: `no_answer`, and those of `check_reasoning_gym`.

    Args:
        threshold: Least score of a right answer, above 0 up to 1.
    """

    request = "Give the final answer alone between <answer> and </answer>."
    columns = ("question", "answer", *_ENTRY)
    packages = PACKAGES

    def __init__(self, *, threshold: float = 1.0) -> None:
        if not 0 < threshold <= 1:
            raise UsageError(f"threshold={threshold!r} is no least score of a right answer; give more than 0, up to 1.")
        self.threshold = threshold

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """The question, with what it takes to make it anew."""
        for name, kind in _ENTRY.items():
            if not isinstance(row[name], kind):
                raise UsageError(f"{name}={row[name]!r:.60} is no {kind.__name__}; rows of reasoning-gym:NAME have them.")
        return Problem(
            id=f"{row['name']}/{row['index']}",
            fields={"question": question_of(row)},
            answer=None if row["answer"] is None else str(row["answer"]),
            data={name: row[name] for name in _ENTRY},
        )

    def extract(self, reply: Parsed) -> Extraction:
        """All of the part that counts, without white space around it."""
        answer = reply.answer.strip()
        return Extraction(answer) if answer else Extraction(fault="no_answer")

    def check(self, problem: Problem, answer: str) -> Checking:
        """The dataset's own scorer, in the sandbox."""
        entry = {**problem.data, "question": problem.fields["question"]}
        return check_reasoning_gym(entry, problem.answer, answer, threshold=self.threshold)

    def write(self, answer: str) -> str:
        """The answer between tags."""
        return f"<answer>\n{answer}\n</answer>"
