r"""Where the answer of a reply stands: the rules of verifiers, each one pure function of the part that counts. Linear time.

All of them look only at what `read_reply` says counts: what follows the thought, inside the last `<answer>` where there is one.
None means that a rule finds nothing. The last place counts: where it was cut off, an earlier one does not stand in for it.
"""

from __future__ import annotations

import re
from collections import deque

from .parsing import Parsed

# Hostile replies: no pattern here has two repetitions next to each other that can match the same character.
_BOX = re.compile(r"\\(?:boxed|fbox)[ \t]*\{")
_ANSWER_LINE = re.compile(r"^[ \t>*_#-]*(?:the )?(?:final )?answer(?: is)?[ \t*_]*:", re.IGNORECASE | re.MULTILINE)
_ANSWER_IS = re.compile(r"\banswer is\b:?", re.IGNORECASE)
_HASHES = re.compile(r"^[ \t*]*####", re.MULTILINE)
_NUMBER = re.compile(
    r"(?<![\w.])(?:[-+\u2212]?\\?[$€£¥][ \t]?)?[-+\u2212]?"
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?:[eE][-+]?[0-9]+)?(?:\\?%)?"
)
_EMPHASIS = ("**", "__", "*", "_")
_HOPE = "I hope it is correct"


def last_boxed(text: str) -> str | None:
    r"""What the last `\boxed{...}` (or `\fbox{...}`) holds, braces balanced; None where there is none or it is not closed."""
    begin = _end_of_last(_BOX, text)
    if begin is None:
        return None
    depth, place = 1, begin
    while depth:
        if place >= len(text):
            return None
        if text[place] == "\\":
            place += 1  # what is escaped is no brace
        elif text[place] in "{}":
            depth += 1 if text[place] == "{" else -1
        place += 1
    return text[begin : place - 1].strip()


def answer_line(text: str) -> str | None:
    """What follows the last `Answer:` that begins a line, up to the end of that line; without emphasis.

    Where nothing else stands on its line, the next line that is not blank counts. None where there is no such line, or nothing
    after it.
    """
    return _rest(text, _end_of_last(_ANSWER_LINE, text))


def stated_answer(text: str) -> str | None:
    """The last `Answer:` line, else what follows the last `answer is`; without the full stop.

    `So the answer is 18.` states `18`; so does `Final Answer: The final answer is 18. I hope it is correct.`
    """
    line = _rest(text, _end_of_last(_ANSWER_LINE, text))
    if line is None:
        line = _rest(text, _end_of_last(_ANSWER_IS, text))
    else:
        line = _rest(line, _end_of_last(_ANSWER_IS, line)) or line
    if line is None:
        return None
    start, hope, end = line.rpartition(_HOPE)
    line = start.rstrip() if hope and len(end) < 2 else line
    return line[:-1].rstrip() if line.endswith(".") else line


def hashed_answer(text: str) -> str | None:
    """What follows the last `####` that begins a line, as in GSM8K's solutions."""
    return _rest(text, _end_of_last(_HASHES, text))


def last_number(text: str) -> str | None:
    """The last number in a text, as people write it in a sentence.

    With its sign and currency, thousands in groups of three, decimals, an exponent and a percent sign; not inside a word.
    A fraction is two numbers.
    """
    last = deque(_NUMBER.finditer(text), maxlen=1)
    return last[0][0] if last else None


def last_line(text: str) -> str | None:
    """The last line that is not blank, without emphasis."""
    return _without_emphasis(text.rstrip().rpartition("\n")[2]) or None


def last_answer(reply: Parsed) -> str | None:
    r"""The last `Answer:` line, else the last `\boxed{}`, else the last fenced block, else None."""
    line = answer_line(reply.answer)
    if line is None:
        line = last_boxed(reply.answer)
    if line is None and reply.fences:
        line = reply.fences[-1].body.strip()
    return line


def _end_of_last(pattern: re.Pattern[str], text: str) -> int | None:
    last = deque(pattern.finditer(text), maxlen=1)
    return last[0].end() if last else None


def _rest(text: str, start: int | None) -> str | None:
    """What follows a place up to the end of its line, or else the next line that is not blank."""
    if start is None:
        return None
    end = text.find("\n", start)
    line = text[start : len(text) if end < 0 else end].strip()
    if not line.strip("*_"):  # `**Answer:**` has its closing mark behind the colon
        line = text[start:].lstrip().removeprefix(line).lstrip().partition("\n")[0]
    return _without_emphasis(line) or None


def _without_emphasis(text: str) -> str:
    """The text without Markdown's marks around the whole of it, or those left over from a mark before or behind it."""
    text = text.strip()
    for mark in _EMPHASIS[:2]:
        if text.count(mark) % 2:
            text = text.removeprefix(mark) if text.startswith(mark) else text.removesuffix(mark)
            text = text.strip()
    for mark in _EMPHASIS:
        inner = text.removeprefix(mark).removesuffix(mark)
        if len(inner) + 2 * len(mark) == len(text) and mark not in inner:
            return inner.strip()
    return text
