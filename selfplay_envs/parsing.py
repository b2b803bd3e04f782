"""Reads players' replies: the answer part of a text, and its fenced blocks. Linear time, never raises.

Every prompt style asks for the same shape, so one parser serves all of them: labelled fences, optionally inside
`<answer>` tags that follow a chain of thought.
"""

from __future__ import annotations

from typing import NamedTuple


class Fence(NamedTuple):
    """One closed fenced block: its label (lower case, may be empty) and its body without the fence lines."""

    label: str
    body: str


def answer_part(text: str) -> str:
    """What counts of a reply: inside the last `<answer>` tag if there is one, else after the last `</think>`, else all."""
    _, tag, rest = text.rpartition("<answer>")
    if tag:
        return rest.partition("</answer>")[0]
    return text.rpartition("</think>")[2]


def fences(text: str) -> list[Fence]:
    """The closed fenced blocks of `answer_part(text)`, in order; an unclosed block is cut off and does not count."""
    found: list[Fence] = []
    label: str | None = None
    body: list[str] = []
    for line in answer_part(text).split("\n"):
        stripped = line.strip()
        if label is None:
            if stripped.startswith("```"):
                label, body = stripped[3:].strip().lower(), []
        elif stripped == "```":
            found.append(Fence(label, "\n".join(body)))
            label = None
        else:
            body.append(line)
    return found


def bodies(text: str, label: str) -> list[str]:
    """The bodies of all blocks labelled `label`, in order."""
    return [fence.body for fence in fences(text) if fence.label == label]


def fence(label: str, body: str) -> str:
    """A fenced block, as prompts and demonstrations write it."""
    return f"```{label}\n{body}\n```"
