r"""Numbers as people and models write them, read exactly and compared within tolerances. Nothing is run.

`1,234`, `$1,234.50`, `-3/4`, `2 1/2`, `\frac{3}{4}`, `1\frac{1}{2}`, `4.5e7`, `4.5 \times 10^{7}`, `50\%`. Every number is a
fraction of whole ones, so that a tolerance means what it says; what is longer or larger than the limits below is no number.
"""

from __future__ import annotations

import re
from fractions import Fraction

from .findings import GOLD_UNREADABLE, RIGHT, WRONG, Checking, settled

MAX_CHARS = 1_000
MAX_EXPONENT = 1_000
"""A decimal exponent beyond this, of either sign, would make an integer that nobody can hold."""

_AROUND = (("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("\\boxed{", "}"), ("\\text{", "}"), ("\\mathrm{", "}"))
_BETWEEN = re.compile(r"\\[,!]|\\(?:left|right)(?![a-zA-Z])|(?<![0-9])\s+|\s+(?![0-9])")
_CURRENCY = re.compile(r"(?<![0-9.])\\?[$€£¥]")
_PLAIN = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?|[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_DECIMAL = re.compile(
    rf"(?P<plain>{_PLAIN})"
    r"(?:[eE](?P<e>[-+]?[0-9]{1,9})|(?:\\times|\\cdot|\*|x|\u00d7|\u00b7)10(?:\^|\*\*)(?:\{(?P<p>[-+]?[0-9]{1,9})\}|(?P<q>[-+]?[0-9]{1,9})))?"
)
_RATIO = re.compile(
    rf"(?:(?P<whole>[0-9]{{1,99}})(?:\s+(?=[0-9])|(?=\\)))?(?:(?P<a>{_PLAIN})/(?P<b>{_PLAIN})"
    rf"|\\[dt]?frac\{{(?P<c>-?{_PLAIN})\}}\{{(?P<d>{_PLAIN})\}}|\\[dt]?frac(?P<e>[0-9])(?P<f>[0-9]))"
)


def check_numeric(gold: str, answer: str, *, abs_tol: float = 0.0, rel_tol: float = 0.0, percent: bool = False) -> Checking:
    """Whether an answer is the gold number: `|answer - gold| <= max(abs_tol, rel_tol * |gold|)`, computed exactly.

    Args:
        gold: A number that `read_number` reads.
        answer: Hostile text.
        abs_tol: Largest difference; 0: they are equal.
        rel_tol: Largest difference as a share of the gold number.
        percent: Whether `50%` is 0.5; else the sign is a unit like any other, and passed over on both sides.

    Returns:
        `right`; `wrong`, also of a text that is no finite number; or `gold_unreadable`, which is void.
    """
    target, value = read_number(gold, percent=percent), read_number(answer, percent=percent)
    if target is None:
        return settled(GOLD_UNREADABLE)
    return settled(RIGHT if value is not None and within(value, target, abs_tol=abs_tol, rel_tol=rel_tol) else WRONG)


def within(value: Fraction, target: Fraction, *, abs_tol: float = 0.0, rel_tol: float = 0.0) -> bool:
    """Whether `|value - target| <= max(abs_tol, rel_tol * |target|)`; 0.1 is one tenth, not the binary number next to it."""
    return abs(value - target) <= max(Fraction(repr(abs_tol)), Fraction(repr(rel_tol)) * abs(target))


def read_number(text: str, *, percent: bool = False) -> Fraction | None:
    r"""The number that the whole of a text spells, or None: words, infinities, sums and lists are no numbers.

    Args:
        text: Any text. Passed over are white space and `$`, `\(`, `\text{}`, `\boxed{}` around it, a full stop, a currency, a
            percent sign.
        percent: Whether the percent sign divides by 100.
    """
    if len(text) > MAX_CHARS:
        return None
    text = _bare(text)
    is_percent = text.endswith("%")
    sign, text = _signed(text.removesuffix("%").removesuffix("\\"))
    value = _unsigned(text)
    if value is None:
        return None
    return sign * value / (100 if percent and is_percent else 1)


def _bare(text: str) -> str:
    text = text.strip().removesuffix(".").strip()
    for start, end in _AROUND:
        if len(text) >= len(start + end) and text.startswith(start) and text.endswith(end):
            text = text[len(start) : -len(end)].strip()
    return _BETWEEN.sub("", text.replace("{,}", ",").replace("\u2212", "-"))


def _signed(text: str) -> tuple[int, str]:
    """The sign, and the text without it and without a currency before or behind it."""
    text = _CURRENCY.sub("", text, count=1)
    return (-1 if text.startswith("-") else 1), text.removeprefix("-").removeprefix("+")


def _unsigned(text: str) -> Fraction | None:
    if match := _DECIMAL.fullmatch(text):
        exponent = int(match["e"] or match["p"] or match["q"] or 0)
        return _plain(match["plain"]) * Fraction(10) ** exponent if abs(exponent) <= MAX_EXPONENT else None
    match = _RATIO.fullmatch(text)
    if match is None:
        return None
    over, under = match["a"] or match["c"] or match["e"], match["b"] or match["d"] or match["f"]
    divisor = _plain(under)
    return int(match["whole"] or 0) + _plain(over) / divisor if divisor else None


def _plain(text: str) -> Fraction:
    return Fraction(text.replace(",", "").removesuffix(".").lstrip("0") or "0")
