"""Styles of texts by name: pure predicates on a text of any kind, in linear time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

FENCE = re.compile(r"[ \t]*(?:```|~~~)")
"""The start of a line that opens a block of code, or closes one."""
SOURCE = re.compile(
    r"[ \t]*+(?:"
    r"(?:async )?def \w++ ?\(|"
    r"class \w++ ?[:(]|"
    r"import [\w.]++(?: as \w++)?(?:, ?[\w.]++(?: as \w++)?)*+;?[ \t]*+$|"
    r"from [\w.]++ import |"
    r"for \w++(?:, ?\w++)*+ in .*:[ \t]*+$|"
    r"print ?\()"
)
"""A line of a Python program. `for example` and `import taxes are high` are none."""
ITEM = re.compile(r"[ \t]*(?:[-*+\u2022]|[0-9]{1,9}[.)])[ \t]+\S")
"""A line that begins as an item of a list: a bullet, or a number with a dot or a bracket, then text."""


def in_capitals(text: str) -> bool:
    """Whether a text has letters with case, and no other ones than capitals among them."""
    return text.isupper()


def looks_like_code(text: str) -> bool:
    """Whether a text has a line with the fence of a block of code, or one that only Python programs have."""
    return any(FENCE.match(line) or SOURCE.match(line) for line in text.splitlines())


def is_list(text: str) -> bool:
    """Whether two lines or more begin as items of a list."""
    return sum(ITEM.match(line) is not None for line in text.splitlines()) >= 2


def repeats_a_word(text: str) -> bool:
    """Whether a word of a text stands in it twice, in any case; words are what white space separates."""
    words = text.casefold().split()
    return len(set(words)) < len(words)


STYLES: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {"capitals": in_capitals, "code": looks_like_code, "list": is_list, "repetition": repeats_a_word}
)
"""Predicates by the name of the style."""
