"""The one abstraction: a pure `Game` asks, and three thin views (gymnasium, vector, PettingZoo) answer.

A game is sans-IO. It holds no gymnasium, model, sandbox or thread; randomness comes only from the generator that
`reset` is given. What it wants to know of the world it *yields* as requests, and is sent the results:

    def judge(self, slot, text, finish_reason):
        [outcome] = yield [Job(program=text, calls=("1",))]        # answered by a CodeSandbox
        [score] = yield [JudgeItem(messages=..., answers=(text,))]  # answered by a Judge
        return Verdict(valid=True, score=score.values[0])

Whoever drives the game advances the generators of many slots of many games in lock-step, so that one sandbox batch
and one judge batch answer all of them: batching is nobody's extra work.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from sandboxes import Job, Outcome


class Slot(NamedTuple):
    """Names one message of an episode; no two messages of an episode have the same."""

    role: str
    """Who speaks."""
    attempt: int
    """Which of the role's parallel tries, 0 to `attempts` - 1: a member of a panel, or one of several plays of one deal."""
    turn: int
    """When, 0 to 4095: the game's own count. Whoever acts at the same time may be at different turns, as plays of different
    lengths are; one (role, attempt) speaks at rising turns."""


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `role` is `system`, `user` or `assistant`, as chat templates expect."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeItem:
    """Asks a `Judge` about answers to a prompt: one to score, several to rank or compare, none to vet the prompt."""

    messages: tuple[Message, ...]
    answers: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    judge: str = ""
    """Name of another judge than the environment's own; a game lists it in `Game.judges`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A judge's reply: one value per answer, and why the prompt could not be judged."""

    values: tuple[float, ...]
    reason: str = "ok"
    """`ok` exactly, or why the prompt could not be judged, as one snake_case word."""


class Judge(Protocol):
    """Scores answers. Named in the registry of `selfplay_envs.judges`, or bound to a run by its collector."""

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """One score per item, in order."""
        ...


Request = Job | JudgeItem
Result = Outcome | Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the referee found about one message; JSON-able, so that a recorded game replays without asking again."""

    valid: bool
    """Whether the message was well-formed and legal."""
    reason: str = "ok"
    """Why not, as one snake_case word out of the game's documented list."""
    score: float = 0.0
    """What the game makes of a valid message: 1.0 for a right answer, a judge's value, ..."""
    train: bool = True
    """Whether the message trains at all; False masks it."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """JSON-able findings that `apply` needs, such as the canonical output of a program."""
    void: bool = False
    """Whether nothing can be said of the message, for no fault of its author: it is charged to nobody and never trains."""

    @classmethod
    def nothing(cls, reason: str) -> Self:
        """The void verdict of that reason: a sandbox that failed, an answer that chance decides, an error of ours."""
        return cls(valid=False, reason=reason, train=False, void=True)

    def to_json(self) -> dict[str, Any]:
        """This verdict as plain JSON types; `Verdict(**data)` is its inverse."""
        return asdict(self)


Judging = Generator[list[Request], list[Any], Verdict]
Settling = Generator[list[Request], list[Any], None]


class Game(ABC):
    """Rules of a game between language-model roles.

    The driver's contract, in order: `reset`; then, as long as `pending()` is not empty: `prompt` and `judge` for every
    pending slot (independently of each other), `apply` for each in order, `settle` once. `pending` is asked only at
    these turn boundaries. When it is empty, the episode is over, and `credit` must hold every message that was applied:
    of all earlier turns too, not of the last one only. Credit may be assigned late, and once: it is reported when first seen.
    """

    roles: tuple[str, ...]
    """Names of the roles in the order they first act; lower-case letters only (PettingZoo agents are `role_attempt`)."""
    task_type: str = ""
    """What is being played, for grouping and metrics: `deduction`, `kuhn`, ..."""
    answers: tuple[str, ...] = ()
    """Roles whose messages answer a task, right (`score` 1) or not: evaluations ask them, solve rates are theirs, and they
    alone come in panels. By default the role `solver`, where there is one. Without such a role the game has no right answers,
    as poker has none, and its roles are told apart by `outcome`."""
    option_keys: tuple[str, ...] = ()
    """Keys that `reset` reads from its options besides `task` and `references`; any other key is refused before `reset`."""
    zero_sum: bool = False
    """Whether `outcome` sums to 0 over all (role, attempt) in every episode, as when one player wins what the other loses;
    checked by `selfplay check`. It says nothing of `credit`."""
    judges: tuple[str, ...] = ()
    """Names of the judges that it asks besides the environment's own; a game may set it as it is made."""
    credit_keywords: Mapping[str, Any] = MappingProxyType({})
    """Keywords that change what is paid and never a verdict's score, each with the value that switches it off; an evaluation
    does so, since it counts scores alone."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A game that names its roles and says nothing of who answers has its `solver` do so."""
        super().__init_subclass__(**kwargs)
        if "roles" in cls.__dict__ and "answers" not in cls.__dict__:
            cls.answers = tuple(role for role in cls.roles if role == "solver")

    def __init__(self, *, attempts: int = 1) -> None:
        """Stores the size of the panel.

        Raises:
            ValueError: `attempts` is not a positive integer.
        """
        if type(attempts) is not int or not 1 <= attempts <= 1024:
            raise ValueError(f"attempts={attempts!r} is not a whole number from 1 to 1024; pass how many tries a task gets.")
        self.attempts = attempts
        self.credit: dict[Slot, float] = {}
        self.outcome: dict[tuple[str, int], float] = {}
        self.void: dict[Slot, str] = {}
        """Messages that are charged to nobody, each with the reason; they do not train, whatever their credit."""

    @abstractmethod
    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Starts an episode.

        `credit`, `outcome` and `void` are empty by then. In `options`, `task` (a mapping, as in `proposed`) is the task to
        start with instead of asking for one, `references` (mappings too) are earlier tasks to be shown; a game may read them
        or not.
        """

    @abstractmethod
    def pending(self) -> tuple[Slot, ...]:
        """Every slot that may act now, mutually independent; empty once the episode is over."""

    @abstractmethod
    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        """The chat that the player in `slot` is shown."""

    @abstractmethod
    def judge(self, slot: Slot, text: str, finish_reason: str) -> Judging:
        """Yields requests, receives results, returns the verdict; reads the state, never changes it.

        Args:
            slot: Who spoke.
            text: What was said: hostile until proven otherwise; never raise because of it.
            finish_reason: `stop`, or `length` when the reply was cut off.
        """

    @abstractmethod
    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        """Changes the state and, where already known, the credit. Cheap; called in slot order."""

    def sample_action(self, slot: Slot, rng: np.random.Generator) -> str | None:
        """A message that is legal for a pending slot in the present state, drawn from `rng`; `selfplay check` says it.

        Legal means that its verdict is valid: a right answer or a wrong one, a good move or a bad one. Checks without legal
        moves see no more than the first turn of most games.

        Returns:
            The text; None, as here, where the game offers none.
        """
        return None

    @property
    def seats(self) -> tuple[tuple[str, int], ...]:
        """Every (role, attempt) that may speak in some episode: the agents of PettingZoo's view.

        Where a role answers, the others speak alone; else every role is played `attempts` times. Games of another kind override
        it.
        """
        return tuple(
            (role, attempt)
            for role in self.roles
            for attempt in range(self.attempts if role in self.answers or not self.answers else 1)
        )

    def skip(self, slot: Slot, verdict: Verdict) -> bool:
        """Goes on without a message whose verdict is void; called instead of `apply`, in slot order.

        Returns:
            Whether the game has found a way to go on. False, as here: the episode ends, and all of it is void.
        """
        return False

    def settle(self) -> Settling:
        """Runs once when all pending slots of a turn are applied: verdicts that depend on siblings live here."""
        return
        yield []

    @property
    def task_id(self) -> str:
        """Stable name of the task being solved, or empty where there is none (yet)."""
        return ""

    @property
    def proposed(self) -> Mapping[str, Any] | None:
        """The new task that this episode produced and validated, JSON-able, fit for `options={"task": ...}`."""
        return None


def no_requests(verdict: Verdict) -> Judging:
    """The judging of a message that needs nobody's answer: returns `verdict` at once."""
    return verdict
    yield []


def short_hash(value: Any) -> str:
    """Sixteen hex digits of SHA-256 over `value` as canonical JSON: equal content, equal name, on every machine."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=asdict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
