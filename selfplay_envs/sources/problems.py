"""From rows to problems: columns are renamed, the verifier reads the row, and whatever is wrong is named with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from ..core.errors import UsageError
from ..tasks.problem import Problem
from ..verifiers.answers.base import AnswerVerifier
from ..verifiers.answers.chat import read_chat
from ..verifiers.answers.table import find_answer_verifier
from .columns import listed, read_columns, rename
from .rows import Row, Rows

Convert = Callable[[Row], Row | None]
"""Makes the row that a verifier reads of a source's own row; None: the row is no part of the source."""


def problems_in(
    rows: Rows, verifier: str, *, columns: str = "", limit: int = 0, convert: Convert | None = None
) -> Iterator[Problem]:
    """Yields the problems of rows, one at a time.

    A row with `messages`, a list of `{"role": ..., "content": ...}`, is a chat: it is asked as it stands, up to its last
    message of the assistant, which is the gold answer unless the row has an `answer`.

    Args:
        rows: Places and rows.
        verifier: Text of the verifier that reads and judges them.
        columns: Renames columns, before `convert`; a name that the verifier does not read becomes a field, for templates.
        limit: Problems at most; 0: all.
        convert: For sources whose rows have a form of their own.

    Raises:
        UsageError: A row is no problem, with its place; or there is none at all.
    """
    if limit < 0:
        raise UsageError(f"limit={limit} is no number of problems; it is 1 or more, or 0 for all.")
    judge, names = find_answer_verifier(verifier), read_columns(columns)
    count = 0
    for place, row in rows:
        try:
            renamed = rename(row, names)
            converted = renamed if convert is None else convert(renamed)
            problem = None if converted is None else _encodable(_with_fields(_problem(converted, judge), renamed, names))
        except UsageError as error:
            raise UsageError(f"{place}: {error}") from None
        except KeyError as error:
            raise UsageError(
                f"{place}: there is no column {error}; {listed(row)}. Name it as in columns={error.args[0]}=COLUMN."
            ) from error
        except (TypeError, ValueError, AttributeError, IndexError) as error:
            raise UsageError(f"{place} is no problem of verifier={verifier!r} ({type(error).__name__}: {error}).") from error
        if problem is not None:
            yield problem
            count += 1
            if count == limit:
                return
    if not count:
        raise UsageError("The source holds no problem that its options let through; name another split, subset or file.")


def is_chat(row: Row) -> bool:
    """Whether a row is a chat."""
    return "messages" in row


def _problem(row: Row, judge: AnswerVerifier) -> Problem:
    if not is_chat(row) or "messages" in judge.columns:
        return judge.problem(row)
    chat = read_chat(row["messages"])
    gold = chat[-1].content if chat[-1].role == "assistant" and "answer" not in row else None
    asked = chat if gold is None else chat[:-1]
    question = next((message.content for message in reversed(asked) if message.role == "user"), "")
    return replace(judge.problem({"question": question, "answer": gold, **row}), messages=asked)


def _with_fields(problem: Problem, row: Row, names: Iterable[str]) -> Problem:
    """The problem with the named columns that it does not hold already as further fields, where they are text or numbers."""
    further = {
        name: str(row[name]) for name in names if name not in ("id", "answer") and isinstance(row[name], str | int | float)
    }
    return replace(problem, fields={**further, **problem.fields}) if further else problem


def _encodable(problem: Problem) -> Problem:
    """The problem itself, if every text that it shows is one that can be sent and written."""
    for text in (*problem.fields.values(), *(message.content for message in problem.messages), problem.answer or ""):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"{text!r:.60} holds half a surrogate pair ({error.reason}); write the character whole.") from None
    return problem
