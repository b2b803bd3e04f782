"""Reads players' replies: the thought, the answer, and its fenced blocks. Linear time, never raises.

Every prompt style demands the same shape, so one parser serves all of them: labelled fences, optionally inside
`<answer>` tags that follow a chain of thought. The rules for the part of a reply that counts:

- Tags count outside fenced blocks only; inside one they are code. `tags.py` separates tags that are meant from tags that a
  sentence mentions or that are quoted, which open nothing.
- A thought goes from `<think>` to the first `</think>` that is not quoted; thoughts do not nest. Chat templates of reasoning
  models open the thought in the prompt, so all that stands before a `</think>` without a `<think>` is thought too, answers
  included.
- A reply that ends inside a thought holds no answer; it is at fault (`Parsed.fault`), whatever stood before the thought.
- Of the `<answer>` ... `</answer>` blocks outside thoughts the last closed one counts, and nothing else: where it holds no
  fence, the reply holds none. In nested ones the inner counts; a thought inside an answer is no part of it.
- Without a closed answer block, all that follows the last thought counts.

`fences.py` says what a fenced block is. A block without a label counts for any label where it is the answer's only one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from .fences import find_blocks, label_of
from .tags import Lines, Tag, find_tags, set_apart

Place = tuple[int, int]  # line and column


class Fence(NamedTuple):
    """One closed fenced block: its label (see `fences.label_of`, may be empty) and its body without the fence lines."""

    label: str
    body: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A reply that was read.

    Example:
        `read_reply("<think>6?</think>" + fence("output", "6")).bodies("output")` is `["6"]`.
    """

    fault: str = ""
    """Empty, or why the reply holds no answer: `thought_cut_off` (at the token limit), `unclosed_thought`."""
    answer: str = ""
    """The part that counts."""
    fences: tuple[Fence, ...] = ()
    """Its closed fenced blocks, in order."""

    def bodies(self, label: str) -> list[str]:
        """The bodies of all blocks labelled `label`, in order; of an only block that has no label too."""
        if len(self.fences) == 1 and not self.fences[0].label:
            return [self.fences[0].body]
        return [fence.body for fence in self.fences if fence.label == label_of(label)]


@lru_cache(maxsize=32)
def read_reply(text: str, finish_reason: str = "stop") -> Parsed:
    """Finds what counts of a reply.

    Args:
        text: A player's text.
        finish_reason: `length` when the reply was cut off; decides between the two faults.
    """
    lines = set_apart(text.lstrip("\ufeff\u200b\u2060"))  # marks that nobody sees, in front of what could be a fence
    blocks = find_blocks(lines)
    code = {index for block in blocks for index in range(block.first, block.end)}
    span = _what_counts(lines, list(find_tags(lines.lines, code)))
    if span is None:
        return Parsed(fault="thought_cut_off" if finish_reason == "length" else "unclosed_thought")
    start, stop = span
    inside = [block for block in blocks if (block.first, 0) >= start and (block.end, 0) <= stop]
    return Parsed(answer=_between(lines, start, stop), fences=tuple(Fence(block.label, block.body) for block in inside))


def _what_counts(text: Lines, tags: list[Tag]) -> tuple[Place, Place] | None:
    """Start and end of the part that counts, by the rules above; None in a reply that ends inside a thought."""
    after_thought: Place = (0, 0)
    answer: tuple[Place, Place] | None = None
    opened: Place | None = None
    thinking = False
    for tag in tags:
        start, end = (tag.line, tag.start), (tag.line, tag.end)
        if (tag.name, tag.closing) == ("think", True) and (thinking or not tag.named):
            answer = answer if thinking else None  # else all that stood before was thought
            opened = end if opened else None
            after_thought, thinking = end, False
        elif thinking or tag.named:
            continue
        elif tag.name == "think":
            thinking = True
        elif not tag.closing:
            opened = end
        elif opened:
            answer, opened = (opened, start), None
    return None if thinking else answer or (after_thought, (len(text.lines), 0))


def _between(text: Lines, start: Place, stop: Place) -> str:
    """The text from one place to another."""
    lines = text.lines[start[0] : stop[0] + 1]
    if lines and stop[0] < len(text.lines):
        lines[-1] = lines[-1][: stop[1]]
    if lines:
        lines[0] = lines[0][start[1] :]
    return text.join(lines, start[0])


def answer_part(text: str) -> str:
    """The part of a reply that counts; see `read_reply`."""
    return read_reply(text).answer


def fences(text: str) -> list[Fence]:
    """The closed fenced blocks of `answer_part(text)`, in order."""
    return list(read_reply(text).fences)


def bodies(text: str, label: str) -> list[str]:
    """The bodies of all blocks of `answer_part(text)` labelled `label`, in order; see `Parsed.bodies`."""
    return read_reply(text).bodies(label)


def fence(label: str, body: str) -> str:
    """A fenced block, as prompts and demonstrations write it."""
    return f"```{label}\n{body}\n```"
