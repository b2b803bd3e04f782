"""The parts of an answer that count for the `rules` judge: its visible text, that text without case, and its words.

A word is a run of letters of any script with their accents; apostrophes belong to it where letters stand on both sides,
whichever of their signs is used, and quotes, digits and hyphens do not. Text is compared without case (Unicode's full case
folding: `ß` is `ss`, the Kelvin sign is `k`) and in composed form, so that an accent written as a sign of its own changes
nothing. Nothing else is folded: `é`, and the Cyrillic letter that looks like `e`, are other letters than `e`.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from unicodedata import category, normalize

MAX_ANSWER_CHARS = 4_000
"""Longer answers meet no clause."""

APOSTROPHES = str.maketrans("\u2019\u02bc", "''")
"""The typographic one and the modifier letter, to the one on keyboards."""

WORD = re.compile(r"L[LM]*(?:'L[LM]*)*")
"""A word, written as the major Unicode categories of its characters: letters, marks, and apostrophes as they are."""


class Answer(NamedTuple):
    """An answer as the checks see it."""

    text: str
    """Visible, composed, with its case."""

    folded: str
    """The same without case."""

    words: list[str]
    """The words of `folded`, in order."""


def read_answer(text: str) -> Answer | None:
    """The answer, or None where it is empty or too long to be checked."""
    if len(text) > MAX_ANSWER_CHARS:
        return None
    shown = normalize("NFC", visible(text))
    folded = fold(shown)
    return Answer(shown, folded, words(folded)) if shown.strip() else None


def visible(text: str) -> str:
    """The text without the characters of Unicode's category "format", such as joiners and soft hyphens: nobody sees them."""
    return "".join(c for c in text if category(c) != "Cf")


def fold(text: str) -> str:
    """The text without case, composed, and with one sign for apostrophes."""
    # Composing takes quadratic time and joins at most four characters to one: no answer has room for a longer text anyhow.
    composable = len(text) <= 4 * MAX_ANSWER_CHARS
    folded = normalize("NFC", normalize("NFC", text).casefold()) if composable else text.casefold()
    return folded.translate(APOSTROPHES)


def words(folded: str) -> list[str]:
    """The words of a folded text, in order."""
    kinds = "".join(c if c == "'" else category(c)[0] for c in folded)
    return [folded[match.start() : match.end()] for match in WORD.finditer(kinds)]
