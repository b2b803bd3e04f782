"""What verifiers of short answers share: a row is a question with its answer, and a gold reply is what their own rule reads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...core.errors import UsageError
from ...replies.parsing import fence, read_reply
from ...tasks.problem import Problem
from .base import AnswerVerifier


class QuestionVerifier(AnswerVerifier):
    """A question that has one short answer. Columns: `question`, `answer`, and `id` if there is one."""

    request = "End with a line of the form `Answer: ...`."
    forms = ("Answer: {}", "\\boxed{{{}}}")
    """How a reply may give the answer, the usual way first."""

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """The question and its answer, a text or a number; and its own `tolerance`, where the row has one."""
        own = {} if row.get("tolerance") in (None, "") else {"tolerance": _own_tolerance(row["tolerance"])}
        return Problem(id=id_of(row), fields={"question": question_of(row)}, answer=self.gold_answer(row["answer"]), data=own)

    def gold_answer(self, answer: object) -> str:
        """The gold answer in a column, as it is judged.

        Raises:
            UsageError: It is none.
        """
        if isinstance(answer, float) and answer.is_integer():
            answer = int(answer)
        is_finite = not isinstance(answer, float) or math.isfinite(answer)
        if isinstance(answer, bool) or not isinstance(answer, str | int | float) or not is_finite or not str(answer).strip():
            raise UsageError(f"answer={answer!r:.60} is neither a text nor a finite number; name the column of gold answers.")
        return str(answer).strip()

    def write(self, answer: str) -> str:
        """The first form that this verifier reads back."""
        forms = [form.format(answer) for form in self.forms] + [fence("", answer)]
        return next((form for form in forms if self.extract(read_reply(form)).answer == answer), forms[0])


def question_of(row: Mapping[str, Any]) -> str:
    """The question of a row.

    Raises:
        UsageError: It is no text.
    """
    question = row["question"]
    if not isinstance(question, str) or not question.strip():
        raise UsageError(f"question={question!r:.60} is not a text; name the column of questions.")
    return question


def id_of(row: Mapping[str, Any]) -> str:
    """The name of a row in its source; empty where it has none."""
    name = row.get("id")
    return "" if name is None else str(name)


def tolerance(value: float, name: str) -> float:
    """A tolerance.

    Raises:
        UsageError: It is negative or not finite.
    """
    if not 0 <= value < float("inf"):
        raise UsageError(f"{name}={value!r} is no tolerance; give a number of 0 or more.")
    return value


def _own_tolerance(value: Any) -> float:
    try:
        return tolerance(float(value), "tolerance")
    except (TypeError, ValueError):
        raise UsageError(f"tolerance={value!r:.60} is no number; give one of 0 or more, or leave the cell empty.") from None
