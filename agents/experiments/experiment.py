"""An experiment as a record in code: arms, seeds, one budget, and what is measured; printed and tested like a preset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from ..config.bounds import check_choices, check_fields, known_fields
from ..config.run import TrainConfig

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
"""A name of an arm or a set of problems, which is the name of a folder or file too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What every arm that trains has, and what "equal" means."""

    steps: int
    """Optimiser steps."""
    tokens_per_step: int
    """Trained tokens; see `TrainConfig.tokens_per_step`."""
    counted: Literal["all", "answers"] = "all"
    """The matching: all trained tokens, or those of the roles that answer, so that what proposers train on comes on top."""

    def __post_init__(self) -> None:
        check_fields(self, steps=1, tokens_per_step=1)
        check_choices(self, counted=("all", "answers"))

    @property
    def meaning(self) -> tuple[str, ...]:
        """Sentences on what is equal and what is not."""
        whose = "of all roles" if self.counted == "all" else "of roles that answer, what proposers train on comes on top"
        equal = f"Equal in every arm: {self.steps} optimiser steps, {self.tokens_per_step:,} trained tokens per step, {whose}."
        how = (
            "Until a step has them, whole episodes are left out by a seeded draw, never by length, or further ones are played; "
            "it exceeds them by a part of its last episode."
        )
        beside = (
            "Not equal, and shown beside: tokens that were sampled, processor seconds, epochs over fixed tasks. Supervised "
            "fine-tuning samples nothing."
        )
        decay = "Weight decay is 0 in every arm, since it moves every weight and would decide how many stay unchanged."
        return (equal, how, beside, decay)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """A setting that an arm chooses on the validation problems, by one run each, before its own runs."""

    setting: Literal["learner.lr", "temperature"]
    """`temperature` is that of an untrained model's answers."""
    values: tuple[float, ...]
    seed: int
    """Of these runs; none of the arm's own."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSet:
    """Problems that models are measured on."""

    name: str
    tasks: str
    """As `EvalConfig.tasks`."""
    samples: int
    """Answers per problem of the last model of a run."""
    limit: int = 0
    """Problems per task type or source, the first ones; 0: all."""

    def __post_init__(self) -> None:
        check_fields(self, samples=1, limit=0)
        if not NAME.fullmatch(self.name):
            raise ValueError(f"ProblemSet.name={self.name!r} is no name of a file; choose small letters, digits and `-`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How models are measured: all with the same problems, settings and seeds of answers."""

    sets: tuple[ProblemSet, ...]
    validation: ProblemSet
    """What settings are chosen by; none of its problems is in `sets`."""
    temperature: float = 1.0
    max_new_tokens: int = 100
    seed: int = 0
    """Names the answers' seeds, which all models share."""
    sampler: str = "transformers"
    short_cuts: str = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A grid of arms and seeds under one budget."""

    name: str
    model: str
    """That every arm starts from."""
    arms: tuple[Arm, ...]
    budget: Budget
    measure: Measure
    device: str = "auto"
    sandbox: str = "auto"

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names) or not names:
            raise ValueError(f"Experiment.arms={names}: give at least one, each with a name of its own.")
        for arm in self.arms:
            if arm.config is not None:
                self._check(arm.name, arm.config)

    def _check(self, arm: str, config: TrainConfig) -> None:
        """Stops where an arm does not have the experiment's budget or model."""
        asked = {
            "steps": self.budget.steps,
            "tokens_per_step": self.budget.tokens_per_step,
            "tokens_counted": self.budget.counted,
            "model": self.model,
        }
        for name, value in asked.items():
            if getattr(config, name) != value:
                raise ValueError(f"{name}={getattr(config, name)!r} of arm {arm} is not the experiment's {value!r}; set it so.")
        if config.learner.weight_decay:
            raise ValueError(
                f"learner.weight_decay={config.learner.weight_decay:g} of arm {arm} would change every weight; set it to 0."
            )

    def arm(self, name: str) -> Arm:
        """The arm of that name.

        Raises:
            KeyError: There is none.
        """
        return {arm.name: arm for arm in self.arms}[name]

    def with_seeds(self, count: int) -> Self:
        """The same with the seeds 0 to count - 1 in every arm that trains."""
        seeds = tuple(range(count))
        arms = (arm if arm.config is None else replace(arm, seeds=seeds) for arm in self.arms)
        return replace(self, arms=tuple(arms))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The experiment that `to_json` wrote.

        Raises:
            ValueError: A field is unknown or its value is wrong.
        """
        plain = dict(known_fields(cls, data))
        measure = dict(known_fields(Measure, plain["measure"]))
        measure["sets"] = tuple(ProblemSet(**one) for one in measure["sets"])
        measure["validation"] = ProblemSet(**measure["validation"])
        plain["measure"], plain["budget"] = Measure(**measure), Budget(**plain["budget"])
        plain["arms"] = tuple(_arm(known_fields(Arm, arm)) for arm in plain["arms"])
        return cls(**plain)


def _arm(data: Mapping[str, Any]) -> Arm:
    """An arm of JSON types."""
    config, tuning = data["config"], data["tuning"]
    return Arm(
        name=data["name"],
        note=data["note"],
        config=None if config is None else TrainConfig.from_json(config),
        seeds=tuple(data["seeds"]),
        tuning=None
        if tuning is None
        else Tuning(setting=tuning["setting"], values=tuple(tuning["values"]), seed=tuning["seed"]),
    )
