"""The clauses that the `rules` judge can check: how each is written, and when an answer meets it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from unicodedata import category

from .answers import Answer, fold, words

PART = re.compile(r'(?:[^";]|"[^"]*"?)+')
"""A part of an instruction, in which a semicolon between quotation marks is a part of a text."""
WRONG_CASE = {"lowercase": {"Lu", "Lt"}, "uppercase": {"Ll", "Lt"}}
"""Unicode categories of the letters that a text of that case may not have; letters without case may stand in both."""


class Form(NamedTuple):
    """One kind of clause."""

    pattern: str
    """The whole clause, folded; its group is the argument."""

    met: Callable[[str, Answer], bool]
    """Whether an answer meets a clause with that argument."""


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "count": Form(r"use exactly ([0-9]{1,3}) words?", lambda count, answer: len(answer.words) == int(count) > 0),
        "include": Form(r"include the word (\S+)", lambda word, answer: word in answer.words),
        "avoid": Form(r"avoid the letter ([a-z])", lambda letter, answer: letter not in answer.folded),
        "start": Form(r"start with the word (\S+)", lambda word, answer: answer.words[:1] == [word]),
        "end": Form(r"end with the word (\S+)", lambda word, answer: answer.words[-1:] == [word]),
        "case": Form(
            r"use only (lowercase|uppercase)",
            lambda case, answer: WRONG_CASE[case].isdisjoint(map(category, answer.text)),
        ),
    }
)
"""By kind. An answer without words is none of 0 words: no instruction can demand that."""


class Clause(NamedTuple):
    """A clause that was understood. Equal clauses demand the same."""

    kind: str
    argument: str
    """A count without leading zeros, a word as `words` gives it, a letter, or a case."""

    def met(self, answer: Answer) -> bool:
        """Whether an answer meets the clause."""
        return FORMS[self.kind].met(self.argument, answer)


def read_clause(text: str) -> Clause | None:
    """The clause that a text is, in any case; None where it is none of `FORMS`, or where its word is not one word."""
    folded = fold(text)
    for kind, form in FORMS.items():
        if match := re.fullmatch(form.pattern, folded):
            return _clause(kind, match[1])
    return None


def _clause(kind: str, argument: str) -> Clause | None:
    if kind == "count":
        return Clause(kind, str(int(argument)))
    if kind in ("include", "start", "end"):
        word = argument.strip("'\"\u2018\u201c\u201d\u201e\u00ab\u00bb")  # quotes around a word are no part of it
        return Clause(kind, word) if words(word) == [word] else None
    return Clause(kind, argument)
