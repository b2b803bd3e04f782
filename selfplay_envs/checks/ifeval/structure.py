r"""Checks of a response's structure: its parts, marks and lists. Linear time, never raises.

Each says what the published check says of any text (IFEval, Zhou et al., arXiv 2311.07911). Its patterns take quadratic time
on hostile text, such as a page of blank lines or of opening brackets; what stands here does not.
"""

from __future__ import annotations

import json
import re

CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
MARKERS = ("P.S.", "P.P.S")
DIVIDER, APART = "***", "******"

_STAR_BULLET = re.compile(r"^[^\S\n]*+\*[^*].*$", re.MULTILINE)
_DASH_BULLET = re.compile(r"^[^\S\n]*+-.*$", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*[^\n*]*\*")
_DOUBLE_HIGHLIGHT = re.compile(r"\*\*[^\n*]*\*\*")
_DIVIDER = re.compile(r"\s?\*\*\*\s?")
_POSTSCRIPTS = {"P.S.": re.compile(r"p\.\s?s\."), "P.P.S": re.compile(r"p\.\s?p\.\s?s")}
_WORD_ENDS = frozenset(".,?!'\"")


def has_placeholders(text: str, number: int) -> bool:
    """Whether there are at least that many pairs of square brackets, each on one line."""
    return sum(map(_bracketed, text.split("\n"))) >= number


def _bracketed(line: str) -> int:
    count, place = 0, line.find("[")
    while place >= 0:
        end = line.find("]", place + 1)
        if end < 0:
            break
        count, place = count + 1, line.find("[", end + 1)
    return count


def has_bullets(text: str, number: int) -> bool:
    """Whether exactly that many lines begin with a bullet: `*`, but not `**`, or `-`."""
    return len(_STAR_BULLET.findall(text)) + len(_DASH_BULLET.findall(text)) == number


def has_highlights(text: str, number: int) -> bool:
    """Whether at least that many parts stand between asterisks; one between two pairs counts for both of its marks."""
    single = sum(bool(part.strip("*").strip()) for part in _HIGHLIGHT.findall(text))
    double = sum(bool(part[2:-2].strip()) for part in _DOUBLE_HIGHLIGHT.findall(text))
    return single + double >= number


def has_sections(text: str, splitter: str, number: int) -> bool:
    """Whether the splitter stands at least that many times before a number, in the same case."""
    return len(re.findall(rf"\s?{re.escape(splitter)}\s?\d+\s?", text)) >= number


def has_paragraphs(text: str, number: int) -> bool:
    """Whether exactly that many paragraphs stand between dividers; an empty one between two makes it none."""
    paragraphs = [bool(part.strip()) for part in _DIVIDER.split(text)]
    return all(paragraphs[1:-1]) and sum(paragraphs) == number


def has_first_word(text: str, number: int, nth: int, word: str) -> bool:
    """Whether exactly that many paragraphs stand between blank lines, and the nth of them starts with the word."""
    paragraphs = text.split("\n\n")
    if sum(bool(part.strip()) for part in paragraphs) != number or not 1 <= nth <= number:
        return False
    found = paragraphs[nth - 1].split()[:1]
    return bool(found) and _bare(found[0]) == word.lower()


def _bare(word: str) -> str:
    """A word without quotes in front of it, up to the first mark that ends one, in lower case."""
    bare = ""
    for letter in word.lstrip("'").lstrip('"'):
        if letter in _WORD_ENDS:
            break
        bare += letter.lower()
    return bare


def has_title(text: str) -> bool:
    """Whether something stands between double angular brackets, on one line."""
    for line in text.split("\n"):
        start, end = line.find("<<"), line.rfind(">>")
        if 0 <= start <= end - 3 and line[start : end + 2].lstrip("<").rstrip(">").strip():
            return True
    return False


def has_postscript(text: str, marker: str) -> bool:
    """Whether the marker of a postscript stands anywhere, in any case."""
    lowered = text.lower()
    pattern = _POSTSCRIPTS.get(marker)
    return marker.lower() in lowered if pattern is None else pattern.search(lowered) is not None


def is_constrained(text: str) -> bool:
    """Whether one of the three sentences stands anywhere."""
    return any(option in text for option in CONSTRAINED)


def is_json(text: str) -> bool:
    """Whether the text, with or without a fence, is JSON that Python reads; what nests too deep for it is none."""
    bare = text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        bare = bare.removeprefix(fence)
    try:
        json.loads(bare.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def is_two_answers(text: str) -> bool:
    """Whether two texts that differ stand around six asterisks."""
    parts = text.split(APART)
    answers = [part.strip() for part in parts if part.strip()]
    return all(part.strip() for part in parts[1:-1]) and len(answers) == 2 and answers[0] != answers[1]


def is_quoted(text: str) -> bool:
    """Whether double quotation marks stand around the whole."""
    bare = text.strip()
    return len(bare) > 1 and bare[0] == bare[-1] == '"'
