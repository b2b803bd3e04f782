"""One game of a run: its share of every step, where its tasks come from and how they are remembered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from .bounds import check_choices, check_fields

NAME = re.compile(r"(?!.*-v\d+$)[A-Za-z0-9][A-Za-z0-9_.-]*")
"""A name of a game in a run: nothing that reads like an env id."""
RESERVED = ("all", "quality", "reason", "reward", "void")
"""Words that metrics and scores have in the place of a game's name."""
NEWER = frozenset({"tasks", "fixed", "seeds", "gold", "keep", "raters"})
"""Fields that mixes got after they had names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GameMix:
    """One game of a run: how many episodes of it are played per step, and how its tasks are remembered."""

    env_id: str
    """An id of `selfplay envs`, or `module:ID` for a game of your own, which also who resumes or replays the run then finds."""
    name: str = ""
    """Name in buffers, metrics, records and evaluations, where it is a task type of its own; empty: the env id. With names one
    game can be played several times in a run, with other keywords or sources."""
    kwargs: dict[str, str | int | float | bool] = field(default_factory=dict[str, "str | int | float | bool"])
    """Keywords of the game, such as `attempts` and `style`."""
    fresh: int = 16
    """Episodes per step that start at the proposer (or, in games without one, at the beginning). 0 needs `tasks`: nothing is
    proposed then, as in RLVR and SFT. AZR: 64."""
    replay: int = 8
    """Episodes per step on tasks of the buffer, once it holds some. AZR: 64."""
    tasks: str = ""
    """A fixed set of tasks: `tiny` (2,048 programs outside the held-out ones), a `.jsonl` file of lines
    {"env_id": ..., "task": {...}}, or any source of `SelfPlay/Dataset-v0`, such as a file of rows or a benchmark's name; for a
    code game its rows are read as its own tasks. Empty: none, or with fresh=0 what the game's own keyword `source` names."""
    fixed: int = 16
    """Episodes per step on that set, where there is one: in shuffled epochs, every task once in each."""
    seeds: int = 0
    """Tasks of that set, drawn by the run's seed, that are in the buffer when self-play starts. AZR: 256."""
    gold: int = 0
    """Attempts of each panel, the first ones, that are the task's gold reply and not sampled, for algorithms that imitate (sft,
    rft, dpo). Panels of fresh proposals are sampled whole, as their solve rates are the proposers' rewards."""
    references: int = 2
    """Old tasks shown to the proposer. AZR: 6."""
    references_from: tuple[str, ...] = ()
    """Names or env ids of the games whose buffers supply the references; empty: its own. Induction takes its programs from the
    other two."""
    newest: float = 0.5
    """Share of the replayed tasks taken from the newest ones."""
    capacity: int = 16_384
    """Tasks remembered. AZR: 16384."""
    keep: Literal["newest", "oldest"] = "newest"
    """What stays of the tasks once there are so many: the newest, so that the oldest leave, or the oldest, so that no new one
    enters any more. AZR's code: oldest; its paper does not say."""
    raters: Literal["train", "discard"] = "train"
    """Whether the attempts at a fresh proposal, which rate it, train too. `discard` leaves them to rate alone, and solvers
    learn from replays: with newest=1 from the proposals of the steps before, as in AZR's code, which throws the ratings away;
    in its paper's algorithm 1 solvers learn from this step's."""
    novelty: Literal["game", "task", "pair"] = "game"
    """What makes a task new: `game` leaves it to the game, `task` is its program, `pair` program and inputs."""
    duplicate_credit: float | None = -1.0
    """Training return of a proposer whose task is in the buffer already; None leaves the game's credit."""
    exclude: str = "none"
    """Tasks that must never train, kept apart by program: `none`, `tiny` for the held-out share of the tiny model's programs,
    `evaluation` for all that the run's evaluation asks, or the text of a source or of a file of tasks."""

    def __post_init__(self) -> None:
        check_fields(self, fresh=0, replay=0, fixed=0, seeds=0, gold=0, references=0, capacity=1)
        self._check_tasks()
        if not 0 <= self.newest <= 1:
            raise ValueError(f"GameMix.newest={self.newest!r} is not a share; choose 0 to 1.")
        check_choices(self, novelty=("game", "task", "pair"), keep=("newest", "oldest"), raters=("train", "discard"))
        if not self.exclude:
            raise ValueError("GameMix.exclude='' says nothing; choose none, tiny, evaluation, or the text of a source.")
        if self.name and (not NAME.fullmatch(self.name) or self.name in RESERVED):
            raise ValueError(
                f"GameMix.name={self.name!r} of {self.env_id!r} is no name; choose letters, digits, `_`, `.` and `-`, without "
                f"a version at the end, and none of {', '.join(RESERVED)}."
            )

    def _check_tasks(self) -> None:
        """Stops where nothing would be played, or tasks are asked for and nothing says which."""
        if self.fresh == 0 and not self.task_source:
            raise ValueError(
                f"GameMix.fresh=0 of {self.env_id!r}: the tasks that are replayed are those that fresh episodes proposed, so "
                "it would never be played; choose at least 1, name a fixed set of tasks (tasks=), or drop the game."
            )
        if self.seeds and not self.task_source:
            raise ValueError(f"GameMix.seeds={self.seeds} of {self.env_id!r}: seeds are of a fixed set; name one with tasks=.")
        if self.fresh == 0 and self.fixed == 0 and not (self.seeds and self.replay):
            raise ValueError(
                f"GameMix.fixed=0 of {self.env_id!r} with fresh=0: nothing would be played; choose at least 1 of either, or "
                "seeds to be replayed."
            )

    @property
    def task_source(self) -> str:
        """The text of its fixed set of tasks; empty where it has none."""
        return self.tasks or ("" if self.fresh else str(self.kwargs.get("source", "")))

    @property
    def game_name(self) -> str:
        """The game's name in buffers, metrics, records and evaluations, or its env id where it has none."""
        return self.name or self.env_id


def game_from_json(data: Mapping[str, Any]) -> GameMix:
    """The mix that `asdict` wrote, here or in an earlier version."""
    plain: dict[str, Any] = dict(data)
    plain["references_from"] = tuple(plain.get("references_from", ()))
    if _of_before(data):
        plain["novelty"] = novelty_of_game(plain["env_id"], plain["novelty"])
    return GameMix(**plain)


def novelty_of_game(env_id: str, novelty: str) -> str:
    """`game` for what runs of before had to say of a game, and what it says itself now; else `novelty`."""
    return "game" if novelty == ("pair" if env_id == "SelfPlay/Induction-v0" else "task") else novelty


def _of_before(data: Mapping[str, Any]) -> bool:
    """Whether a whole mix was written when mixes had no names, and none could leave the novelty of tasks to its game."""
    return {field.name for field in fields(GameMix)} - set(data) - NEWER == {"name"}
