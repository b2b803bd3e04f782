"""Absolute Zero in one environment: every episode is deduction, abduction or induction, drawn as it is reset."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ...core.game import Request
from ...core.messages import Message
from ...core.text import did_you_mean
from ...replies.parsing import Parsed
from ...tasks.code_task import CodeTask
from ...verifiers.findings import Checking
from .abduction import Abduction
from .base import CodeGame
from .deduction import Deduction
from .induction import Induction

TYPES = ("deduction", "abduction", "induction")


class AbsoluteZero(CodeGame):
    """Draws a task type as it is reset, and is the game of that type until the next reset.

    `task_type` is the drawn one, so that groups and metrics are those of the three games, whose reasons these are too. Tasks of
    this game say their type under the key `type`, as in `options={"task": {"type": "deduction", "program": ...}}`. Without it
    several inputs make an induction task; a task of one input has to say which of the other two it is. A task in the options
    decides the type, whatever the mix. Tasks of two types are two tasks, even of one program.

    The program that a proposer of induction is given is the first of `options["references"]`.

    Args:
        mix: Shares of the types, any numbers of at least 0: `deduction=1,abduction=1,induction=2`. A type that is not named
            has none.
        num_inputs: Pairs of an induction task, at least 2. AZR: 10.
        **keywords: As for `CodeGame`.
    """

    task_type = "absolute_zero"
    proposes = "programs"

    def __init__(self, *, mix: str = "deduction=1,abduction=1,induction=1", num_inputs: int = 10, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.shares = read_mix(mix)
        self.games: Mapping[str, CodeGame] = {
            "deduction": Deduction(**keywords),
            "abduction": Abduction(**keywords),
            "induction": Induction(num_inputs=num_inputs, **keywords),
        }

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Takes the type of `options["task"]`, else draws one, and starts that game.

        Raises:
            UsageError: The task says no type, or is none of that type; or a reference is no code task.
        """
        given = options.get("task")
        drawn = str(rng.choice(TYPES, p=self.shares)) if given is None else type_of(given)
        self.task_type = drawn
        super().reset(rng, options)
        self.game.references = self.references

    @property
    def game(self) -> CodeGame:
        """The game of the episode's type."""
        return self.games[self.task_type]

    @property
    def task_id(self) -> str:
        """Type and content hash, empty before there is a task."""
        return super().task_id and f"{self.task_type}-{super().task_id}"

    def write_task(self, task: CodeTask) -> Mapping[str, Any]:
        """The code task, and its type."""
        return {"type": self.task_type, **super().write_task(task)}

    def proposal_key(self, task: Mapping[str, Any]) -> str:
        """The type, and what its game tells tasks by."""
        named = type_of(task)
        return f"{named}-{self.games[named].proposal_key(task)}"

    def check_task(self, task: CodeTask) -> CodeTask:
        """As the game of the type."""
        return self.game.check_task(task)

    def propose_prompt(self) -> tuple[Message, ...]:
        """As the game of the type."""
        return self.game.propose_prompt()

    def propose(self, reply: Parsed) -> Generator[list[Request], list[Any], CodeTask | str]:
        """As the game of the type."""
        return self.game.propose(reply)

    def sample_proposal(self, rng: np.random.Generator) -> str | None:
        """As the game of the type."""
        return self.game.sample_proposal(rng)

    def answer_prompt(self, task: CodeTask) -> tuple[Message, ...]:
        """As the game of the type."""
        return self.game.answer_prompt(task)

    def check(self, task: CodeTask, reply: Parsed) -> Checking:
        """As the game of the type."""
        return self.game.check(task, reply)

    def gold_answer(self, task: CodeTask) -> str | None:
        """As the game of the type."""
        return self.game.gold_answer(task)

    def sample_answer(self, task: CodeTask, rng: np.random.Generator) -> str | None:
        """As the game of the type."""
        return self.game.sample_answer(task, rng)


def type_of(task: Mapping[str, Any]) -> str:
    """The type of a task in options.

    Raises:
        UsageError: Its `type` is none, or it has no `type` and one input.
    """
    named, inputs = task.get("type"), task.get("inputs")
    if named in TYPES:
        return str(named)
    if named is not None:
        raise UsageError(f"options['task'] has type={named!r:.40}; choose one of {', '.join(TYPES)}.")
    if isinstance(inputs, list | tuple) and len(inputs) > 1:
        return "induction"
    raise UsageError(
        "options['task'] says no type, and a task of one input may be deduction or abduction; give it type=deduction or "
        "type=abduction."
    )


def read_mix(text: str) -> tuple[float, ...]:
    """Shares of deduction, abduction and induction that add up to 1, out of `deduction=1,abduction=1,induction=1`.

    Raises:
        UsageError: A name is not known or there twice, a share is no number of at least 0, or all are 0.
    """
    weights: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in TYPES:
            raise UsageError(
                f"mix={text!r}: {name!r} is no task type{did_you_mean(name, TYPES) or ';'} name {', '.join(TYPES)}."
            )
        if name in weights:
            raise UsageError(f"mix={text!r} names {name} twice; keep one.")
        weights[name] = _weight(value)
        if not 0 <= weights[name] < math.inf:
            raise UsageError(f"mix={text!r}: {name}={value!r} is no share; write a number of at least 0, as in {name}=1.")
    total = sum(weights.values())
    if not 0 < total < math.inf:
        raise UsageError(f"mix={text!r} leaves no task type, or shares beyond all numbers; write one as in deduction=1.")
    return tuple(weights.get(name, 0.0) / total for name in TYPES)


def _weight(text: str) -> float:
    """The number in a text, and one that is no share where there is none."""
    try:
        return float(text)
    except ValueError:
        return -1.0
