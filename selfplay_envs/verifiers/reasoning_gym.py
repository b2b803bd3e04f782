"""Answers to problems of the package reasoning-gym, scored in the sandbox by its own scorers, some of which evaluate them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandboxes import Limits

from .findings import GOLD_CHANGED, RIGHT, WRONG, Checking
from .scoring import ANSWER_TOO_LONG, LIMITS, score

PACKAGES = ("reasoning-gym",)
MAX_CHARS = 5_000
_NAN = re.compile(r"(?<![a-z])nan(?![a-ik-z])", re.IGNORECASE)  # with a j behind it, a complex one


def check_reasoning_gym(
    entry: Mapping[str, Any], gold: str | None, answer: str, *, threshold: float = 1.0, limits: Limits = LIMITS
) -> Checking:
    """Whether the dataset that a problem is from gives an answer at least the score `threshold`.

    Where the scorer would evaluate the answer, only arithmetic and school mathematics pass. Two scorers of version 0.1.25 give
    1.0 to wrong answers, and `_STRICTER` says what is right there. NaN, which `min(1, nan)` scores 1.0, is right only
    where it stands in the gold answer.

    Args:
        entry: `name` and `options` of the dataset (`seed`, `size`), `index` and `question` of the problem, and `metadata`, what
            its scorer is to know, as the text of a literal; empty: the sandbox makes the problem anew, and sees to it that
            it asks the same.
        gold: The gold answer, if there is one.
        answer: Hostile text.
        threshold: Least score of a right answer; scorers give 1.0 to a right one, and many give part of it to others.
        limits: Of the making and the scoring together.

    Returns:
        `right`, `wrong`, `answer_too_long`, `answer_timeout`, `answer_too_large`, `answer_crashed`; or, void, `gold_changed`
        (this version of the package makes another problem) and `worker_lost`.
    """
    if len(answer) > MAX_CHARS:
        return ANSWER_TOO_LONG
    digest = hashlib.sha256(entry["question"].encode()).hexdigest()
    arguments = (entry["name"], entry["options"], entry["index"], digest, gold, entry["metadata"])
    value, fault = yield from score("gym_score", arguments, answer, gold or "", PACKAGES, limits)
    match value:
        case _ if fault:
            return fault
        case ("scored", float(points)):
            is_right = points >= threshold and _STRICTER.get(entry["name"], _anything)(gold or "", answer)
            is_right = is_right and (not _NAN.search(answer) or bool(_NAN.search(gold or "")))
            return RIGHT if is_right else WRONG
        case _:
            return GOLD_CHANGED


def _anything(gold: str, answer: str) -> bool:
    return True


def _same_word(gold: str, answer: str) -> bool:
    return gold.strip().casefold() == answer.strip().casefold()


def _same_numbers(gold: str, answer: str) -> bool:
    one, other = (sorted(re.findall(r"[0-9]+", text)) for text in (gold, answer))
    return one == other


_STRICTER: Mapping[str, Callable[[str, str], bool]] = {
    "game_of_life_halting": _same_word,  # its scorer takes the texts True and False for the same
    "puzzle24": _same_numbers,  # its scorer takes any four numbers that make 24 for those that were given
}
