"""Texts compared as texts, after named normalisations. Nothing is run."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

from .findings import RIGHT, WRONG, Checking, settled

MAX_MARKS = 30
"""Accents and other marks on one letter, as in Unicode's stream-safe format (UAX 15): ordering more takes quadratic time."""

_ARTICLES = re.compile(r"\b(?:a|an|the)\b", re.IGNORECASE)


def check_exact(gold: str, answer: str, *, case: bool = True, punctuation: bool = True, articles: bool = True) -> Checking:
    """Whether an answer is the gold text; `normal_text` says what is left out of account.

    Returns:
        `right` or `wrong`.
    """

    def normal(text: str) -> str:
        return normal_text(text, case=case, punctuation=punctuation, articles=articles)

    return settled(RIGHT if normal(gold) == normal(answer) else WRONG)


def normal_text(text: str, *, case: bool = True, punctuation: bool = True, articles: bool = True) -> str:
    """A text in one spelling: composed characters (Unicode's NFC), runs of white space as one blank, none at the ends.

    A text with more than `MAX_MARKS` marks on a letter, which no language writes, is not composed.

    Args:
        text: Any text.
        case: Whether upper and lower case differ.
        punctuation: Whether punctuation counts (every character of Unicode's categories P); else it is taken out.
        articles: Whether `a`, `an` and `the` count; else they are taken out.
    """
    text = unicodedata.normalize("NFC", text) if _is_stream_safe(text) else text
    if not case:
        text = text.casefold()
    if not punctuation:
        text = "".join(char for char in text if not unicodedata.category(char).startswith("P"))
    if not articles:
        text = _ARTICLES.sub(" ", text)
    return " ".join(text.split())


def _is_stream_safe(text: str) -> bool:
    """Whether no more marks follow each other than Unicode can put in order in linear time."""
    return text.isascii() or all(
        sum(1 for _ in run) <= MAX_MARKS for marks, run in groupby(text, lambda char: unicodedata.combining(char) > 0) if marks
    )
