"""Prompts of tasks or of a file, and the replies that a model samples to them, with the token ids that others can score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selfplay_envs import Message, UsageError
from selfplay_envs.core.json_lines import read_json_lines
from selfplay_envs.names.registration import make_game

from ...batching.batch import Sample, Tag
from ...config.sampling import Sampling
from ...core.seeding import seed_of
from ...evaluation.task_sets import TaskSet
from ...samplers.base import Sampler

PROMPT_ROW = '{"messages": [{"role": "user", "content": ...}, ...]} or {"prompt": "..."}, and "task_type" if you like'
"""Form of a line of a file of prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A prompt."""

    messages: tuple[Message, ...]
    role: str
    task_type: str
    name: str
    """What names it in the seeds of its replies."""


def prompts_of(sets: Sequence[TaskSet]) -> list[Asked]:
    """The first prompt of every task to a role that acts when its game begins; nothing is judged, so no sandbox is needed."""
    asked: list[Asked] = []
    for one in sets:
        game = make_game(one.env_id, **one.kwargs)
        for number, task in enumerate(one.tasks):
            game.reset(np.random.default_rng(0), {"task": task})
            slot = game.pending()[0]
            asked.append(
                Asked(
                    messages=game.prompt(slot),
                    role=slot.role,
                    task_type=game.task_type or one.name,
                    name=f"{one.name}/{number}",
                )
            )
    return asked


def read_prompts(path: Path) -> list[Asked]:
    """The prompts of a file of JSON lines, chats or texts; a text is what a user says.

    Raises:
        UsageError: There is no file, a line is no prompt, or there is none.
    """
    if not path.is_file():
        raise UsageError(f"prompts={str(path)!r} is not a file; give JSON lines of the form {PROMPT_ROW}.")
    rows = list(read_json_lines(path, _read_prompt, f"a prompt; write {PROMPT_ROW}"))
    if not rows:
        raise UsageError(f"prompts={str(path)!r} holds no prompt; write lines of the form {PROMPT_ROW}.")
    return [
        Asked(messages=messages, role="assistant", task_type=kind, name=f"prompts/{number}")
        for number, (messages, kind) in enumerate(rows)
    ]


def sample_replies(
    sampler: Sampler,
    asked: Sequence[Asked],
    count: int,
    sampling: Sampling,
    *,
    by_role: Mapping[str, Sampler] | None = None,
    seed: int = 0,
    batch: int = 64,
    on_sampled: Callable[[int], None] | None = None,
) -> list[Sample]:
    """`count` replies to every prompt, one prompt after the other.

    Args:
        sampler: Of all roles that are not in `by_role`.
        asked: The prompts.
        count: Replies to each.
        sampling: Their distribution and length.
        by_role: Samplers of their own for some roles.
        seed: Names the replies' seeds: the same seed asks two models with common random numbers.
        batch: Replies that are asked for together.
        on_sampled: Called with the number of every such batch.
    """
    samples: list[Sample] = []
    for role, part in _parts(asked, max(1, batch // count)):
        seeds = [[seed_of("entropy", seed, one.name, number) for number in range(count)] for one in part]
        replies = (by_role or {}).get(role, sampler).generate([one.messages for one in part], sampling, seeds)
        samples += [
            Sample(reply, 0.0, Tag(role=one.role, task_type=one.task_type, prompt_id=one.name))
            for one, group in zip(part, replies, strict=True)
            for reply in group
        ]
        if on_sampled is not None:
            on_sampled(len(part) * count)
    return samples


def _parts(asked: Sequence[Asked], size: int) -> Iterator[tuple[str, Sequence[Asked]]]:
    """Prompts of one role, as many at a time."""
    for role in dict.fromkeys(one.role for one in asked):
        of_role = [one for one in asked if one.role == role]
        for start in range(0, len(of_role), size):
            yield role, of_role[start : start + size]


def _read_prompt(row: Mapping[str, Any]) -> tuple[tuple[Message, ...], str]:
    if "prompt" in row:
        messages = (Message("user", _text(row["prompt"])),)
    else:
        messages = tuple(Message(_text(one["role"]), _text(one["content"])) for one in row["messages"])
    if not messages or any(message.role not in ("system", "user", "assistant") for message in messages):
        raise ValueError("messages must be of system, user or assistant, at least one")
    return messages, _text(row.get("task_type", ""))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r:.40} is not a text")
    return value
