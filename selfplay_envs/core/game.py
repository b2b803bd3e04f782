"""The one abstraction: a pure `Game`, which three thin views (gymnasium, vector, PettingZoo) and the collector drive.

A game is sans-IO. It holds no gymnasium, model, sandbox or thread; randomness comes only from the generator that
`reset` is given. Whatever it has to know of the world it *yields* as requests, and is sent the results:

    def judge(self, slot, text, finish_reason):
        [outcome] = yield [Job(program=text, calls=("1",))]        # answered by a CodeSandbox
        [score] = yield [JudgeItem(messages=..., answers=(text,))]  # answered by a Judge
        return Verdict(valid=True, score=score.values[0])

A game that has nothing to request returns its verdict at once: `return Verdict(valid=text == "call")`.

Whoever drives the game advances the generators of many slots of many games in lock-step, so that one sandbox batch
and one judge batch answer all of them: batching is nobody's extra work.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from sandboxes import Job, Outcome

from .judging import JudgeItem, Score
from .messages import Message, Slot

Request = Job | JudgeItem
Result = Outcome | Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The referee's judgement of one message; JSON-able, so that a recorded game replays without sandbox and judge."""

    valid: bool
    """Whether the message was well-formed and legal."""
    reason: str = "ok"
    """Why not, as one snake_case word out of the game's documented list."""
    score: float = 0.0
    """Value of a valid message: 1.0 for a right answer, a judge's value, ..."""
    train: bool = True
    """Whether the message trains at all; False masks it."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """JSON-able results that `apply` needs, such as the canonical output of a program."""
    void: bool = False
    """Whether nothing is known of the message, for no fault of its author: it is charged to nobody and never trains."""

    @classmethod
    def nothing(cls, reason: str) -> Self:
        """The void verdict of that reason: a sandbox that failed, an answer that chance decides, an error of ours."""
        return cls(valid=False, reason=reason, train=False, void=True)

    def __iter__(self) -> Judging:
        """Itself, without requests: `yield from super().judge(...)` gives the verdict even where that method yields nothing."""
        return no_requests(self)

    def to_json(self) -> dict[str, Any]:
        """This verdict as plain JSON types; `Verdict(**data)` is its inverse."""
        return asdict(self)


Judging = Generator[list[Request], list[Any], Verdict]
"""The judging of a message: yields requests, is sent their results, returns the verdict."""
Settling = Generator[list[Request], list[Any], None]
"""The end of a turn: yields requests, is sent their results."""


class Game(ABC):
    """Rules of a game between language-model roles.

    The driver's contract, in order: `reset`; then, as long as `pending()` is not empty: `prompt` and `judge` for every
    pending slot (independently of each other), `apply` for each in order, `settle` once. `pending` is called only at
    these turn boundaries. When it is empty, the episode is over, and `credit` must hold every message that was applied:
    of all earlier turns too, not of the last one only. Credit may be assigned late, and once: it is reported when first seen.
    """

    roles: tuple[str, ...]
    """Names of the roles in the order they first act; lower-case letters only (PettingZoo agents are `role_attempt`)."""
    task_type: str = ""
    """Kind of task, for grouping and metrics: `deduction`, `kuhn`, ..."""
    answers: tuple[str, ...] = ()
    """Roles whose messages answer a task, right (`score` 1) or not: evaluations prompt them, solve rates are theirs, and
    they alone come in panels. By default the role `solver`, where there is one. Without such a role the game has no right
    answers, as poker has none, and its roles are compared by `outcome`."""
    option_keys: tuple[str, ...] = ()
    """Keys that `reset` reads from its options besides `task` and `references`; any other key is refused before `reset`."""
    zero_sum: bool = False
    """Whether `outcome` sums to 0 over all (role, attempt) in every episode, as when one player wins what the other loses;
    checked by `selfplay check`. It says nothing of `credit`."""
    judges: tuple[str, ...] = ()
    """Names of the judges that it needs besides the environment's own; a game may set it as it is made."""
    asks_judge: bool = False
    """Whether the environment's own judge scores its answers; an evaluation then says which it was, and keeps every score."""
    credit_keywords: Mapping[str, Any] = MappingProxyType({})
    """Keywords that change credits and never a verdict's score, each with the value that switches it off; an evaluation does
    so, since it counts scores alone."""

    styles: Mapping[str, Any] = MappingProxyType({})
    """Wordings of its prompts by name, of a game that takes a keyword `style`; see `selfplay_envs.games.style`."""
    proposes: str = ""
    """What a proposal of the game is, such as `programs`, where a report is to count its proposals; empty: it does not."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Sets `answers` of a game that names its roles alone: its `solver` answers."""
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

        Whoever drives the game (`Match`) has emptied `credit`, `outcome` and `void`; a game need not. In `options`, `task`
        (a mapping, as in `proposed`) is the task to start with in place of a proposal, `references` (mappings too) are earlier
        tasks to be shown; a game may read them or not.
        """

    @abstractmethod
    def pending(self) -> tuple[Slot, ...]:
        """Every slot that may act now, mutually independent; empty once the episode is over."""

    @abstractmethod
    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        """The chat that the player in `slot` is shown."""

    @abstractmethod
    def judge(self, slot: Slot, text: str, finish_reason: str) -> Verdict | Judging:
        """The verdict on a message, or a generator that yields requests first; reads the state, never changes it.

        Args:
            slot: Whose message it is.
            text: The message: hostile until proven otherwise; never raise because of it.
            finish_reason: `stop`, or `length` when the reply was cut off.
        """

    @abstractmethod
    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        """Changes the state and, where already known, the credit. Cheap; called in slot order."""

    def sample_action(self, slot: Slot, rng: np.random.Generator) -> str | None:
        """A message that is legal for a pending slot in the present state, drawn from `rng`; `selfplay check` plays it.

        Legal means that its verdict is valid: a right answer or a wrong one, a good move or a bad one. Checks without legal
        moves see no more than the first turn of most games.

        Returns:
            The text; None, as here, where the game offers none.
        """
        return None

    def gold_reply(self, slot: Slot) -> str | None:
        """The gold reply of a pending slot, in the form and wording that the prompt asks for; imitation learns it.

        Returns:
            A reply whose verdict is valid with score 1; None, as here, where the game knows none.
        """
        return None

    @property
    def seats(self) -> tuple[tuple[str, int], ...]:
        """Every (role, attempt) that may act in some episode: the agents of PettingZoo's view.

        Where a role answers, the others act alone; else every role is played `attempts` times. Games of another kind override
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

    def settle(self) -> Settling | None:
        """Runs once when all pending slots of a turn are applied: credit that depends on siblings is assigned here.

        Returns:
            None, or a generator that yields requests first; here one without requests, so that an override may go on with
            `yield from super().settle()` as well as with `super().settle()`.
        """
        return settled()

    @property
    def task_id(self) -> str:
        """Stable name of the task being solved, or empty where there is none (yet)."""
        return ""

    @property
    def proposed(self) -> Mapping[str, Any] | None:
        """The new task that this episode produced and validated, JSON-able, fit for `options={"task": ...}`."""
        return None

    def proposal_key(self, task: Mapping[str, Any]) -> str:
        """Name of a proposed task, equal for tasks of which only the first is new: buffers, metrics and shapers go by it.

        Empty, as here: the syntax tree of its `program`, or the whole task where it has none.
        """
        return ""


def no_requests(verdict: Verdict) -> Judging:
    """The judging of a message that needs no request; `judge` may as well return `verdict` itself."""
    return verdict
    yield []


def settled() -> Settling:
    """The end of a turn that needs no request."""
    return
    yield []
