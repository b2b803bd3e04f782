"""Mathematical answers in LaTeX, compared by the package math-verify in the sandbox; text and numbers alone need no sandbox."""

from __future__ import annotations

import re

from sandboxes import Limits

from .findings import GOLD_UNREADABLE, RIGHT, WRONG, Checking
from .numeric import read_number, within
from .scoring import ANSWER_TOO_LONG, LIMITS, score

PACKAGES = ("math-verify",)
MAX_CHARS = 2_000
ANSWER_UNREADABLE = "answer_unreadable"

_INTEGER = re.compile(r"-?[0-9]{1,300}")
_SCIENTIFIC = re.compile(r"([-+]?[0-9]*\.?[0-9]+)[eE]([-+]?[0-9]{1,4})")
_DOLLAR = re.compile(r"(?<!\\)\$")
_POINT = re.compile(r"(?<=[0-9])\.(?![0-9])")
_FINDINGS = frozenset((RIGHT, WRONG, GOLD_UNREADABLE, ANSWER_UNREADABLE))


def check_math(
    gold: str, answer: str, *, strict: bool = True, abs_tol: float = 0.0, rel_tol: float = 0.0, limits: Limits = LIMITS
) -> Checking:
    """Whether an answer equals the gold one: as text, as a number, or as math-verify judges its LaTeX.

    No sandbox is asked where both are the same text but for white space, `$` and a full stop (right); where `read_number` reads
    both, neither in percent, and they are equal, or within the tolerances (right); and where both are spelled as whole
    numbers, in digits alone, and neither holds (wrong).

    Args:
        gold: LaTeX, without `$` or with it.
        answer: The same: hostile.
        strict: Whether variables have names, so that `x + 1` is not `y + 1`, and sets differ from tuples and intervals.
        abs_tol: Largest difference of numbers; 0: as math-verify rounds them, to six decimals where one has decimals.
        rel_tol: The same, as a share of the gold number.
        limits: Of the comparison.

    Returns:
        `right`; `wrong`; `answer_unreadable` (no LaTeX that is understood), `answer_too_long`, `answer_timeout`,
        `answer_too_large` (it would fill the memory), `answer_crashed`; or, void, `gold_unreadable` and `worker_lost`.
    """
    gold, answer = _bare(gold), _bare(answer)
    if _spaceless(gold) == _spaceless(answer):
        return RIGHT
    if not answer or len(answer) > MAX_CHARS:
        return ANSWER_TOO_LONG if answer else ANSWER_UNREADABLE
    if "%" not in gold + answer:
        target, value = read_number(gold), read_number(answer)
        if target is not None and value is not None and within(value, target, abs_tol=abs_tol, rel_tol=rel_tol):
            return RIGHT
    if _INTEGER.fullmatch(gold) and _INTEGER.fullmatch(answer):
        return WRONG
    finding, fault = yield from score(
        "math_verdict", (strict, abs_tol, rel_tol, _latex(gold)), _latex(answer), _latex(gold), PACKAGES, limits
    )
    if fault:
        return fault
    return finding if finding in _FINDINGS else ANSWER_UNREADABLE


def _bare(text: str) -> str:
    """The text without `$`, which only says that it is mathematics, a full stop, and white space around it."""
    return _DOLLAR.sub("", text).strip().removesuffix(".").rstrip()


def _spaceless(text: str) -> str:
    return "".join(text.split())


def _latex(text: str) -> str:
    """The text, with `4.5e7` as LaTeX has it, where `e` is a number, and without a decimal point that nothing follows."""
    text = _POINT.sub("", text)
    match = _SCIENTIFIC.fullmatch(text)
    return rf"{match[1]} \times 10^{{{match[2]}}}" if match else text
