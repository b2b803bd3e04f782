"""Which of several choices an answer names. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

from .exact import normal_text
from .findings import RIGHT, WRONG, Checking, settled

LETTERS = ascii_uppercase
NO_CHOICE = "no_choice"

_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf|textbf|boxed)\{(.*)\}|\$(.*)\$|\\\((.*)\\\)", re.DOTALL)
_LETTER = re.compile(r"(?:option|choice)?\s*[(\[]?([A-Za-z])[)\]]?\s*[.:)]?", re.IGNORECASE)
_LABELLED = re.compile(r"(?:[(\[]([A-Z])[)\]]|([A-Z])[.:),;])[.:]?\s+(\S.*)", re.DOTALL)
_STANDS_ALONE = re.compile(r"\b[A-Z]\b(?!\s+[a-z])")  # not the article
_MAX_CHARS = 5_000


def check_choice(choices: Sequence[str], gold: str, answer: str) -> Checking:
    """Whether an answer names the right choice.

    Args:
        choices: Texts of the choices A, B, ...
        gold: Letter of the right one.
        answer: Hostile text; see `read_choice`.

    Returns:
        `right`, `wrong`, or `no_choice`: it names none of them, or more than one.
    """
    letter = read_choice(answer, choices)
    return settled(NO_CHOICE if letter is None else RIGHT if letter == gold else WRONG)


def read_choice(text: str, choices: Sequence[str]) -> str | None:
    r"""The letter of the choice that a text names, or None.

    `B`, `b`, `(B)`, `B.`, `option B`, each also inside `\text{}` or `$`; a choice's whole text, whatever its case; or a
    letter, a mark, and more, `B. The second`, where the rest is that choice's text or names no other letter.
    """
    if len(text) > _MAX_CHARS:
        return None
    text = text.strip()
    while wrapped := _WRAPPED.fullmatch(text):
        text = next(part for part in wrapped.groups() if part is not None).strip()
    letters = LETTERS[: len(choices)]
    if (match := _LETTER.fullmatch(text)) and match[1].upper() in letters:
        return match[1].upper()
    texts = [_plain(choice) for choice in choices]
    if _plain(text) in texts:
        return letters[texts.index(_plain(text))]
    match = _LABELLED.fullmatch(text)
    letter = (match[1] or match[2]) if match else ""
    if match is None or letter not in letters:
        return None
    if _plain(match[3]) == texts[letters.index(letter)]:
        return letter
    return letter if {*_STANDS_ALONE.findall(match[3])}.isdisjoint({*letters} - {letter}) else None


def _plain(text: str) -> str:
    return normal_text(text, case=False).rstrip(".").strip()
