"""The tags and end marks of a reply: which of them are meant, and which are only written about. Linear time.

A tag is `<think>`, `</think>`, `<answer>` or `</answer>`, in any case and with blanks inside the brackets; an end mark is a
chat template's `<|...|>` or `</s>`. Models glue both to a fence (`</think>```python`, a closing fence and `</answer>` on one
line); `set_apart` gives each side a line of its own, as CommonMark wants it, and remembers how the text really stood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TAG = r"<[ \t]{0,4}(?:/[ \t]{0,4})?(?:think|answer)[ \t]{0,4}>"
_MARK = rf"(?:{_TAG}|<[|\uff5c][^<>|\uff5c\n]{{1,40}}[|\uff5c]>|</s>)"
TAG, MARK = re.compile(_TAG, re.IGNORECASE), re.compile(_MARK, re.IGNORECASE)
SPECIAL = re.compile(
    r"<[|\uff5c][^\s<>|\uff5c]{1,40}[|\uff5c]>|</?s>|<(?:bos|eos|pad|unk|mask|start_of_turn|end_of_turn)>|\[/?INST\]"
)
"""Texts that tokenizers of chat models read as one special token, whoever wrote them."""
RUN = re.compile(rf"{_MARK}(?:[ \t]{{0,8}}{_MARK})*", re.IGNORECASE)
LONE = re.compile(rf" {{0,3}}{_MARK}(?:[ \t]*{_MARK})*[ \t]*", re.IGNORECASE)
GLUED_FENCE = re.compile(r"[ \t]{0,8}(?=```|~~~)")
INDENT = re.compile(r"[ \t>]*")
LEAD = re.compile(r"(?:[ \t>]|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*")
QUOTES = {"`": "`", "'": "'", '"': '"', "(": ")", "[": "]", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}


class Lines(NamedTuple):
    """A text in lines; a line whose index is in `glued` really stands at the end of the one before it."""

    lines: list[str]
    glued: set[int]

    def join(self, lines: list[str], first: int) -> str:
        """The text of some of the lines, of which the first has the index `first`, put together as it really stood."""
        whole: list[str] = []
        for index, line in enumerate(lines, first):
            if index in self.glued and whole:
                whole[-1] += line.lstrip(" \t>")  # what follows a break starts with a fence or a mark
            else:
                whole.append(line)
        return "\n".join(whole)


class Tag(NamedTuple):
    """A tag that is not quoted: columns `start` to `end` of a line; `named` where a sentence only mentions it."""

    line: int
    start: int
    end: int
    name: str
    closing: bool
    named: bool


def set_apart(text: str) -> Lines:
    """The lines of a text (ended by LF, CRLF or CR), broken wherever a mark is glued to a fence."""
    lines: list[str] = []
    glued: set[int] = set()
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        breaks = _breaks(line) if "<" in line and ("```" in line or "~~~" in line) else []
        if not breaks:
            lines.append(line)
            continue
        lines.append(line[: breaks[0]])
        indent = INDENT.match(line)
        for start, stop in zip(breaks, [*breaks[1:], len(line)], strict=True):
            glued.add(len(lines))
            # at the indent of its line, so that it stays in the list item or quote where that line stands
            lines.append((indent[0] if indent else "") + line[start:stop])
    return Lines(lines, glued)


def _breaks(line: str) -> list[int]:
    """Columns between a mark and the fence before or after it; none around a mark in three backticks, which is quoted."""
    columns: set[int] = set()
    lead = LEAD.match(line)
    first = lead.end() if lead else 0
    for mark in MARK.finditer(line):
        start, end = mark.span()
        nearest = max(first, start - 12)
        before = line[nearest:start].rstrip(" \t")
        after = GLUED_FENCE.match(line, end)
        if before.endswith(("```", "~~~")):
            if after and (nearest > first or before.strip("`~")):
                continue
            columns.add(start)
        if after:
            columns.add(after.end())
    return sorted(columns)


def find_tags(lines: list[str], hidden: set[int]) -> Iterator[Tag]:
    """The tags of all lines whose index is not in `hidden`, in order, without those in quotes, backticks or brackets.

    A tag is named, not meant, where it stands amid a sentence: after a word and a blank, before a blank or a punctuation
    mark. So is the closing tag of a pair on one line whose opening tag is named.
    """
    for index, line in enumerate(lines):
        if "<" not in line or index in hidden:
            continue
        lead = LEAD.match(line)
        first, last, named_here = lead.end() if lead else 0, len(line.rstrip()), set[str]()
        for run in RUN.finditer(line):
            left, right = line[run.start() - 1 : run.start()], line[run.end() : min(run.end() + 1, last)]
            if right and QUOTES.get(left) == right:
                continue
            amid = run.start() > first and _amid_sentence(line, run.start(), right)
            for tag in TAG.finditer(line, run.start(), run.end()):
                name = "think" if "think" in tag[0].lower() else "answer"
                closing, named = "/" in tag[0], amid or name in named_here
                if named:
                    named_here.add(name)
                yield Tag(index, tag.start(), tag.end(), name, closing, named)


def _amid_sentence(line: str, start: int, right: str) -> bool:
    before = line[max(0, start - 9) : start]
    word = before.rstrip(" \t")
    return word != before and not word.endswith((".", "!", "?")) and bool(right) and right in " \t.,;:!?"
