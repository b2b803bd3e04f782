"""An experiment as a record in code: arms, seeds, one budget, and what is measured; printed and tested like a preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from ..config.bounds import check_choices, check_fields, known_fields
from ..config.run import TrainConfig
from .arm import Arm
from .measure import Measure


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
                self._check_start(arm)
                self._check(arm, arm.config)

    def _check_start(self, arm: Arm) -> None:
        """Stops where an arm begins with a model that will not be there."""
        if arm.start is None:
            return
        other = next((one for one in self.arms if one.name == arm.start.arm), None)
        if other is None or other.config is None or other.start is not None or not set(arm.seeds) <= set(other.seeds):
            raise ValueError(f"Arm.start={arm.start} of {arm.name} is no arm that trains from the beginning with its seeds.")
        kept = other.config.keep_models_every
        if arm.start.step != other.config.steps and (not kept or arm.start.step % kept or arm.start.step > other.config.steps):
            raise ValueError(f"Arm.start={arm.start} of {arm.name} is no step whose model stays; keep_models_every={kept}.")

    def _check(self, arm: Arm, config: TrainConfig) -> None:
        """Stops where an arm does not have the experiment's budget or model."""
        before = arm.updates_before
        asked = {
            "steps": self.budget.steps - (before if before < self.budget.steps else 0),
            "tokens_per_step": self.budget.tokens_per_step,
            "tokens_counted": self.budget.counted,
            "model": self.model,
        }
        for name, value in asked.items():
            if getattr(config, name) != value:
                there = f"{name}={getattr(config, name)!r} of arm {arm.name}"
                raise ValueError(f"{there} is not the experiment's {value!r}; set it so.")
        if config.learner.weight_decay:
            raise ValueError(
                f"learner.weight_decay={config.learner.weight_decay:g} of arm {arm.name} changes every weight; set it to 0."
            )

    @property
    def meaning(self) -> tuple[str, ...]:
        """Sentences on what is equal in all arms and what is not."""
        twice = [arm.name for arm in self.arms if arm.updates_before >= self.budget.steps]
        joined = [arm.name for arm in self.arms if 0 < arm.updates_before < self.budget.steps]
        parts = [
            f"Two stages make up the budget of {', '.join(joined)}: the steps of the model that its runs begin with count."
            if joined
            else "",
            f"Each of two stages has the whole budget in {', '.join(twice)}." if twice else "",
        ]
        return (*self.budget.meaning, *filter(None, parts))

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
        plain["measure"], plain["budget"] = Measure.from_json(plain["measure"]), Budget(**plain["budget"])
        plain["arms"] = tuple(Arm.from_json(arm) for arm in plain["arms"])
        return cls(**plain)
