"""Wording of fixed problems: in full, terse, or by a template of one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from ...core.errors import UsageError
from ...core.messages import Message
from ...replies.parsing import fence
from ...tasks.code_task import CodeTask
from ...tasks.problem import Problem
from ...verifiers.answers.base import AnswerVerifier
from ..code.prompts import STYLES as CODE_STYLES
from ..code.prompts import CodePrompts

_NAME = re.compile(r"\{([a-z_]+)\}")
CODE = ("deduction", "abduction", "induction")


class DatasetPrompts(Protocol):
    """Wording of fixed problems."""

    def ask(self, problem: Problem, verifier: AnswerVerifier) -> tuple[Message, ...]:
        """The prompt of a problem whose answers that verifier judges."""
        ...


class _Style:
    """A style by name: programs are worded as in the code games, questions as they are."""

    def __init__(self, code: CodePrompts, ask_for_form: bool) -> None:
        self._code = code
        self._ask_for_form = ask_for_form

    def ask(self, problem: Problem, verifier: AnswerVerifier) -> tuple[Message, ...]:
        """A chat as it is, a code task as its game words it, or a question with its program's start, in `full` the form too."""
        if problem.messages:
            return problem.messages
        if verifier.poses in CODE:
            task = CodeTask.from_json(problem.data, "the problem's data")
            solve = {
                "deduction": self._code.solve_deduction,
                "abduction": self._code.solve_abduction,
                "induction": self._code.solve_induction,
            }
            return solve[verifier.poses](task.shown if verifier.poses == "induction" else task)
        question, start = (problem.fields.get(name, "") for name in ("question", "program"))
        parts = [question, fence("python", start.strip("\n")) if start and start != question else ""]
        if self._ask_for_form:
            parts.append(verifier.request)
        return (Message("user", "\n\n".join(filter(None, parts))),)


class Template:
    r"""A text with `{name}` where a field of the problem shall stand; `{request}` is the verifier's sentence about the form.

    A problem that is a chat is asked as it is, by no template.

    Braces around anything else stay as they are, as in `\boxed{}`.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def ask(self, problem: Problem, verifier: AnswerVerifier) -> tuple[Message, ...]:
        """One message of the user.

        Raises:
            UsageError: The template shows a field that the problem lacks.
        """
        if problem.messages:
            return problem.messages
        fields = {**problem.fields, "request": verifier.request}
        missing = [name for name in _NAME.findall(self.text) if name not in fields]
        if missing:
            raise UsageError(
                f"prompt={self.text!r:.60} shows {missing[0]!r}, which the problem lacks; it has {', '.join(fields)}. Another "
                f"column of a file is named as in columns={missing[0]}=COLUMN."
            )
        return (Message("user", _NAME.sub(lambda match: fields[match[1]], self.text)),)


STYLES: Mapping[str, DatasetPrompts] = {
    "full": _Style(CODE_STYLES["full"], True),
    "terse": _Style(CODE_STYLES["terse"], False),
}


def find_prompt(text: str) -> DatasetPrompts:
    """The wording of that text: a style's name, or a template.

    Raises:
        UsageError: It is neither.
    """
    if text in STYLES:
        return STYLES[text]
    if not _NAME.search(text):
        raise UsageError(
            f"prompt={text!r:.60} is neither a style ({', '.join(STYLES)}) nor a template; a template shows a field, as in "
            "'{question}'."
        )
    return Template(text)
