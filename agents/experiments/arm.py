"""The arms of an experiment: each a way of training, or of not training, with its seeds and where its runs begin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from ..config.bounds import check_fields, known_fields
from ..config.run import TrainConfig

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
"""A name of an arm or a set of problems, which is the name of a folder or file too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """A setting that an arm chooses on the validation problems, by one run each, before its own runs."""

    setting: Literal["learner.lr", "temperature"]
    """`temperature` is that of an untrained model's answers."""
    values: tuple[float, ...]
    seed: int
    """Of these runs; none of the arm's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The model that an arm's runs begin with in the place of the experiment's: one that another arm kept, of the same seed.

    Its updates and tokens count: they and those of the arm's own runs are the budget, or, after all of the other arm's steps,
    twice the budget. KL to the starting weights is to this model then.
    """

    arm: str
    step: int
    """Updates that the model has behind it."""

    def __post_init__(self) -> None:
        check_fields(self, step=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way of training, or of not training."""

    name: str
    note: str
    """What it is, and where it differs from what others call so: a sentence or two."""
    config: TrainConfig | None = None
    """Its runs but for their seeds; None: the model is measured as it is."""
    seeds: tuple[int, ...] = (0,)
    tuning: Tuning | None = None
    start: Start | None = None
    """None: the experiment's model."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"Arm.name={self.name!r} is no name of a folder; choose small letters, digits and `-`.")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"Arm.seeds={self.seeds} of {self.name}: give at least one, and each once.")
        if self.tuning is not None:
            if self.tuning.seed in self.seeds:
                raise ValueError(
                    f"Tuning.seed={self.tuning.seed} of {self.name} is one of the arm's own, which would be measured on what "
                    "they were chosen by; take another."
                )
            if (self.tuning.setting == "temperature") != (self.config is None):
                raise ValueError(
                    f"Tuning.setting={self.tuning.setting!r} of {self.name}: a learning rate is of an arm that trains, a "
                    "temperature of one that does not."
                )
        if self.start is not None and (self.config is None or self.tuning is not None):
            raise ValueError(
                f"Arm.start={self.start} of {self.name} is for an arm that trains and tunes nothing; leave it out."
            )

    @property
    def updates_before(self) -> int:
        """Updates of the model that its runs begin with."""
        return 0 if self.start is None else self.start.step

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The arm of JSON types, as `asdict` makes them.

        Raises:
            ValueError: A field is unknown or its value is wrong.
        """
        plain = known_fields(cls, data)
        config, tuning, start = plain["config"], plain["tuning"], plain.get("start")
        return cls(
            name=plain["name"],
            note=plain["note"],
            config=None if config is None else TrainConfig.from_json(config),
            seeds=tuple(plain["seeds"]),
            tuning=None
            if tuning is None
            else Tuning(setting=tuning["setting"], values=tuple(tuning["values"]), seed=tuning["seed"]),
            start=None if start is None else Start(**start),
        )
