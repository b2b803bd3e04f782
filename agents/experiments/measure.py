"""What is measured of an experiment's models: sets of problems, how many answers to each, and how answers are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..config.bounds import check_fields, known_fields
from .arm import NAME


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
    judge: str = ""
    """Who scores answers in games that ask a judge, or compares them in pairs; empty where none is asked."""
    against_start: bool = False
    """Whether `judge` compares the answers of trained models in pairs with those of the experiment's model, as
    `selfplay eval --against` does, in the place of verdicts."""

    def __post_init__(self) -> None:
        check_fields(self, samples=1, limit=0)
        if self.against_start and not self.judge:
            raise ValueError(f"ProblemSet.judge='' of {self.name} compares no answers; name a judge.")
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
    style: ProblemSet | None = None
    """Problems of which answers are scored by whether they are in a style, whatever they say: no success, and no part of
    `sets`. None: not measured."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record of JSON types, as `asdict` makes them.

        Raises:
            ValueError: A field is unknown or its value is wrong.
        """
        plain = dict(known_fields(cls, data))
        plain["sets"] = tuple(ProblemSet(**one) for one in plain["sets"])
        plain["validation"] = ProblemSet(**plain["validation"])
        plain["style"] = None if plain.get("style") is None else ProblemSet(**plain["style"])
        return cls(**plain)
