"""Frozen records of play, in JSON lines: replies, turns with their verdict and credit, episodes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sandboxes import Outcome

from .errors import GameError, UsageError
from .game import Result, Verdict
from .json_lines import read_json_lines
from .judging import Score
from .messages import Message, Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A player's reply to a prompt. Environments read `text` and `finish_reason` only; training never re-tokenises."""

    text: str
    finish_reason: str = "stop"
    """`stop`, or `length` when the reply was cut off at the token limit."""
    prompt_ids: tuple[int, ...] = ()
    token_ids: tuple[int, ...] = ()
    """Sampled ids, the end-of-turn id included when it was sampled."""
    logprobs: tuple[float, ...] = ()
    """Log-probability of each sampled id under the distribution it was sampled from, in nats."""
    policy_version: int = 0
    given: bool = False
    """Whether it was given to be imitated, such as a gold reply, and nobody sampled it: `logprobs` are 0 then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of an episode: prompt, reply, verdict and reward."""

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
    """Reward of the message by the game."""
    terms: Mapping[str, float] = field(default_factory=dict[str, float])
    """Rewards by the batch beside the game's credit, by name: of shapers, or `duplicate` for a task that was known already."""
    masked: bool = False
    """Whether the run keeps the message out of training, whatever the verdict says: a held-out task, say."""
    void: str = ""
    """Why the message gives nobody credit, neither good nor bad: our failure, or chance. Empty: it counts."""

    @property
    def shaped(self) -> float:
        """The sum of `terms`, added up in their order."""
        total = 0.0
        for amount in self.terms.values():  # `sum` of Python 3.12 rounds otherwise
            total += amount
        return total

    @property
    def training_return(self) -> float:
        """The reward that the message trains with: the game's credit and all `terms`."""
        return self.credit + self.shaped

    def to_json(self, tokens: bool = False) -> dict[str, Any]:
        """Plain JSON types; token ids and log-probabilities only with `tokens`."""
        reply: dict[str, Any] = {
            "text": self.reply.text,
            "finish_reason": self.reply.finish_reason,
            "policy_version": self.reply.policy_version,
            **({"given": True} if self.reply.given else {}),
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
            "terms": dict(self.terms),
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
            terms=data["terms"] if "terms" in data else _terms_before(data["shaped"]),
            masked=data["masked"],
            void=data.get("void", ""),
        )


def _terms_before(shaped: float) -> dict[str, float]:
    """Terms of a record that holds their sum alone."""
    return {"shaped": shaped} if shaped else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One whole game: enough to replay it without a model, and with `rejudge` to have sandbox and judge judge it again."""

    env_id: str
    kwargs: Mapping[str, Any]
    """The game's keywords, as given to `gym.make`."""
    seed: int
    options: Mapping[str, Any]
    messages: tuple[Turn, ...]
    """In the order they were applied."""
    outcome: Mapping[tuple[str, int], float]
    settled: tuple[tuple[Result, ...], ...] = ()
    """Per turn, the results that `settle` was sent."""
    proposed: Mapping[str, Any] | None = None
    """The task this episode produced, if any."""
    proposal_key: str = ""
    """Name of that task, equal for tasks of which only the first is new; see `Game.proposal_key`. Empty where there is none,
    and in records of before: see `selfplay_envs.tasks.duplicates.proposal_key`."""
    name: str = ""
    """Name of the game in the run that played it, where that has one other than the env id."""
    backend: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which sandbox and judge answered, and as `judge:NAME` each further judge that was used."""

    @property
    def game_name(self) -> str:
        """The name of the game in the run that played it: its own, or the env id."""
        return self.name or self.env_id

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
            "proposal_key": self.proposal_key,
            "name": self.name,
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
            messages=tuple(Turn.from_json(m) for m in data["messages"]),
            outcome={(role, attempt): value for role, attempt, value in data["outcome"]},
            settled=tuple(tuple(_result_from_json(r) for r in turn) for turn in data["settled"]),
            proposed=data["proposed"],
            proposal_key=data.get("proposal_key", ""),
            name=data.get("name", ""),
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
