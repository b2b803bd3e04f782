"""Texts from players and for people: fit for a game, safe on a terminal, and the word that was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

MAX_TEXT_CHARS = 1_000_000
"""Length of the longest message."""

# C0 and C1 controls other than newline and tab, and the bidirectional overrides: a model's text must not move the cursor
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean_text(text: str) -> str:
    """`text` without lone surrogates and at most `MAX_TEXT_CHARS` long: the form in which games see it."""
    return text[:MAX_TEXT_CHARS].encode("utf-8", "replace").decode("utf-8")


def printable(text: str) -> str:
    """`text` with control characters written out in hexadecimal, safe to print on a terminal."""
    return CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def did_you_mean(word: str, known: Iterable[str], before: str = "") -> str:
    """`; did you mean 'rules'?` where a known word is near, else nothing; `before` is what to write in front of it."""
    near = get_close_matches(word, [name for name in known if not name.startswith("__")], n=1)
    return f"; did you mean {before + near[0]!r}?" if near else ""
