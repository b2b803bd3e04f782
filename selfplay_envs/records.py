"""What was played, as frozen records in JSON lines: replies, messages with their verdict and credit, episodes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sandboxes import Outcome

from .errors import GameError, UsageError
from .game import Message, Result, Score, Slot, Verdict
from .json_lines import read_json_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a player returns. Environments read `text` and `finish_reason` only; training never re-tokenises."""

    text: str
    finish_reason: str = "stop"
    """`stop`, or `length` when the reply was cut off at the token limit."""
    prompt_ids: tuple[int, ...] = ()
    token_ids: tuple[int, ...] = ()
    """Sampled ids, the end-of-turn id included when it was sampled."""
    logprobs: tuple[float, ...] = ()
    """Log-probability of each sampled id under the distribution it was sampled from, in nats."""
    policy_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One message of an episode: who was asked what, what was said, and what it earned."""

    slot: Slot
    task_type: str
    prompt_id: str
    """Names the prompt: equal for equal prompts, whatever the episode."""
    task_id: str
    """Names the task being solved; empty where there is none."""
    messages: tuple[Message, ...]
    reply: Reply
    verdict: Verdict
    credit: float
    """Training return of the message, from the game."""
    shaped: float = 0.0
    """What the batch's shapers added to it; never the game's."""
    masked: bool = False
    """Whether the run keeps the message out of training, whatever the verdict says: a held-out task, say."""
    void: str = ""
    """Why nobody is charged for the message, nor paid: our failure, or chance. Empty: it counts."""

    def to_json(self, tokens: bool = False) -> dict[str, Any]:
        """Plain JSON types; token ids and log-probabilities only with `tokens`."""
        reply: dict[str, Any] = {
            "text": self.reply.text,
            "finish_reason": self.reply.finish_reason,
            "policy_version": self.reply.policy_version,
        }
        if tokens:
            reply |= {
                "prompt_ids": self.reply.prompt_ids,
                "token_ids": self.reply.token_ids,
                "logprobs": self.reply.logprobs,
            }
        return {
            "slot": list(self.slot),
            "task_type": self.task_type,
            "prompt_id": self.prompt_id,
            "task_id": self.task_id,
            "messages": [[m.role, m.content] for m in self.messages],
            "reply": reply,
            "verdict": self.verdict.to_json(),
            "credit": self.credit,
            "shaped": self.shaped,
            "masked": self.masked,
            "void": self.void,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The message that `to_json` wrote."""
        reply: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data["reply"].items()}
        return cls(
            slot=Slot(*data["slot"]),
            task_type=data["task_type"],
            prompt_id=data["prompt_id"],
            task_id=data["task_id"],
            messages=tuple(Message(*m) for m in data["messages"]),
            reply=Reply(**reply),
            verdict=Verdict(**data["verdict"]),
            credit=data["credit"],
            shaped=data["shaped"],
            masked=data["masked"],
            void=data.get("void", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One whole game: enough to replay it without a model, and with `rejudge` to ask sandbox and judge again."""

    env_id: str
    kwargs: Mapping[str, Any]
    """The game's keywords, as given to `gym.make`."""
    seed: int
    options: Mapping[str, Any]
    messages: tuple[Played, ...]
    """In the order they were applied."""
    outcome: Mapping[tuple[str, int], float]
    settled: tuple[tuple[Result, ...], ...] = ()
    """Per turn, the results that `settle` was sent."""
    proposed: Mapping[str, Any] | None = None
    """The task this episode produced, if any."""
    backend: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which sandbox and judge answered, and as `judge:NAME` each further judge that was asked."""

    def to_json(self, tokens: bool = False) -> dict[str, Any]:
        """Plain JSON types, one line of a `.jsonl` file."""
        return {
            "env_id": self.env_id,
            "kwargs": dict(self.kwargs),
            "seed": self.seed,
            "options": dict(self.options),
            "backend": dict(self.backend),
            "messages": [m.to_json(tokens) for m in self.messages],
            "outcome": [[role, attempt, value] for (role, attempt), value in self.outcome.items()],
            "settled": [[_result_to_json(r) for r in turn] for turn in self.settled],
            "proposed": None if self.proposed is None else dict(self.proposed),
        }

    def to_line(self, tokens: bool = False) -> str:
        """`to_json` as text.

        Raises:
            GameError: The game put something into its findings that JSON does not know, such as a number of numpy's.
        """
        try:
            return json.dumps(self.to_json(tokens), ensure_ascii=True)
        except TypeError as error:
            raise GameError(
                f"an episode of {self.env_id} is not JSON ({error}); put texts, plain numbers, lists and mappings into "
                "Verdict.data, Game.outcome and Game.proposed, such as int(number) for one of numpy's."
            ) from error

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The episode that `to_json` wrote."""
        return cls(
            env_id=data["env_id"],
            kwargs=data["kwargs"],
            seed=data["seed"],
            options=data["options"],
            backend=data["backend"],
            messages=tuple(Played.from_json(m) for m in data["messages"]),
            outcome={(role, attempt): value for role, attempt, value in data["outcome"]},
            settled=tuple(tuple(_result_from_json(r) for r in turn) for turn in data["settled"]),
            proposed=data["proposed"],
        )


def _result_to_json(result: Result) -> dict[str, Any]:
    if isinstance(result, Outcome):
        return {"outcome": result.to_json()}
    return {"score": {"values": list(result.values), "reason": result.reason}}


def _result_from_json(data: Mapping[str, Any]) -> Result:
    if "outcome" in data:
        return Outcome.from_json(data["outcome"])
    return Score(values=tuple(data["score"]["values"]), reason=data["score"]["reason"])


def write_episodes(path: Path, episodes: Iterable[Episode], *, append: bool = False, tokens: bool = False) -> None:
    """Writes one JSON line per episode."""
    with path.open("a" if append else "w", encoding="utf-8") as file:
        for episode in episodes:
            file.write(episode.to_line(tokens) + "\n")


def read_episodes(path: Path) -> Iterator[Episode]:
    """Yields the episodes of a `.jsonl` file.

    Raises:
        UsageError: The file is missing, or a line is not an episode; names the line.
    """
    if not path.is_file():
        raise UsageError(
            f"episodes={str(path)!r} is not a file, nor a run's folder; pass runs/NAME, or a file in runs/NAME/episodes."
        )
    yield from read_json_lines(path, Episode.from_json, "an episode, was the file cut off?")
