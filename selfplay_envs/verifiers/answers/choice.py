"""`choice`: the answer names one of several choices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...core.errors import UsageError
from ...replies.extraction import last_boxed, last_line, stated_answer
from ...replies.parsing import Parsed
from ...tasks.problem import Problem
from ..choice import LETTERS, check_choice, read_choice
from ..findings import Checking
from .base import Extraction
from .questions import QuestionVerifier, id_of, question_of


class Choice(QuestionVerifier):
    r"""A question with choices, which are shown as `A. ...`, one a line. Columns: `question`, `choices`, `answer`.

    `choices` is a list, in a CSV file one in JSON, or the hub's form `{"text": [...], "label": [...]}`. `answer` is a whole
    number, which counts from 0, or else a letter, a label, a choice's text, or such a number as text.

    The answer: the last `\boxed{}`, else the last `Answer:` line or what follows the last `answer is`, else the last line.
    Reasons: `no_answer`; `no_choice`, where that names none of the choices.
    """

    request = "End with a line of the form `Answer: LETTER`."
    columns = ("question", "choices", "answer")

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """The question with its choices; the gold answer is a letter."""
        choices, labels = _choices(row["choices"])
        stem, shown = question_of(row), "\n".join(map("{}. {}".format, LETTERS, choices))
        return Problem(
            id=id_of(row),
            fields={"question": f"{stem}\n\n{shown}", "stem": stem, "choices": shown},
            answer=_letter(row["answer"], choices, labels),
            data={"choices": choices},
        )

    def extract(self, reply: Parsed) -> Extraction:
        """The text that ought to name a choice."""
        for rule in (last_boxed, stated_answer, last_line):
            if (answer := rule(reply.answer)) is not None:
                return Extraction(answer)
        return Extraction(fault="no_answer")

    def check(self, problem: Problem, answer: str) -> Checking:
        """Letter against letter."""
        return check_choice(problem.data["choices"], problem.answer or "", answer)


def _choices(value: object) -> tuple[list[str], list[str]]:
    """The texts of the choices, and their labels if they have their own.

    Raises:
        UsageError: There are fewer than two, or more than letters, or one is no text.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise UsageError(f'choices={value!r:.60} is no list in JSON; write it as ["one", "two"].') from None
    labels: list[Any] = []
    match value:
        case {"text": [*texts], "label": [*labels]} if len(texts) == len(labels):
            pass
        case [*texts]:
            pass
        case _:
            raise UsageError(f"choices={value!r:.60} is no list of texts; see the verifier choice.")
    if not 2 <= len(texts) <= len(LETTERS) or not all(isinstance(text, str | int | float) for text in texts):
        raise UsageError(f"choices={value!r:.60} are not 2 to {len(LETTERS)} texts.")
    return [str(text) for text in texts], [str(label) for label in labels]


def _letter(answer: object, choices: list[str], labels: list[str]) -> str:
    """The letter of the gold answer.

    Raises:
        UsageError: It names no choice.
    """
    if isinstance(answer, str):
        if answer.strip() in labels:
            return LETTERS[labels.index(answer.strip())]
        letter = read_choice(answer, choices)
        if letter is not None:
            return letter
        answer = int(answer) if answer.strip().isdecimal() and len(answer) < 4 else answer
    if isinstance(answer, int) and not isinstance(answer, bool) and 0 <= answer < len(choices):
        return LETTERS[answer]
    raise UsageError(
        f"answer={answer!r:.60} names none of the {len(choices)} choices; give a letter, a number from 0, or a text."
    )
