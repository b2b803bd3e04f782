"""Settings of algorithms, their meaning and the values they take: for the checks and for `selfplay algorithms NAME`.

Fields of `config.objective.Objective` are explained by their docstrings; keywords of advantages and losses, which algorithms
hold in their `defaults`, by `KEYWORDS`. Without torch.
"""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, SupportsFloat, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The values that one setting takes: texts to choose from, true or false, a free text, or numbers of a range."""

    meaning: str = ""
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    """`low` itself is not allowed."""
    open_high: bool = False
    """`high` itself is not allowed."""
    off: float | None = None
    """A number outside the range that switches it off."""
    remedy: str = ""
    """The remedy for a number out of the range, a clause."""
    choices: tuple[str, ...] = ()
    form: str = "text"
    """Form of a free text."""
    kind: type = float
    """`float`, `int`, `bool` or `str`."""

    @property
    def allowed(self) -> str:
        """The values, in words."""
        if self.choices:
            return ", ".join(self.choices)
        if self.kind in (bool, str):
            return "true or false" if self.kind is bool else self.form
        low, high = f"{self.low:g}", f"{self.high:g}"
        if math.isinf(self.high):
            values = "any number" if math.isinf(self.low) else f"above {low}" if self.open_low else f"{low} or more"
        else:
            values = f"{'above' if self.open_low else 'from'} {low} to {'below ' if self.open_high else ''}{high}"
        values = f"whole, {values}" if self.kind is int else values
        return values if self.off is None else f"{self.off:g}, or {values}"

    def check(self, name: str, value: object) -> None:
        """Stops at a value that is not allowed.

        Raises:
            ValueError: Names the setting, the value, and what to choose.
        """
        given = f"options {name}={value!r}"
        if self.choices and value not in self.choices:
            raise ValueError(f"{given} is not known; choose one of {self.allowed}.")
        if self.kind in (bool, str):
            if not isinstance(value, self.kind):
                raise ValueError(f"{given} is not {self.allowed}; give it as such.")
            return
        if isinstance(value, bool | str) or not isinstance(value, SupportsFloat):
            raise ValueError(f"{given} is not a number; choose one: {self.allowed}.")
        number, remedy = float(value), self.remedy or f"choose one: {self.allowed}"
        if not math.isfinite(number):
            raise ValueError(f"{given} is not a finite number; {remedy}.")
        if self.kind is int and not number.is_integer():
            raise ValueError(f"{given} is not a whole number; {remedy}.")
        below = number <= self.low if self.open_low else number < self.low
        above = number >= self.high if self.open_high else number > self.high
        if (below or above) and number != self.off:
            raise ValueError(f"{given} is out of its range ({self.allowed}); {self.remedy or 'choose one in it'}.")


def settings_of(record: type, numbers: Mapping[str, Setting]) -> dict[str, Setting]:
    """The settings that the fields of a dataclass are: choices by their `Literal`, ranges of numbers as given."""
    settings: dict[str, Setting] = {}
    for name, hint in get_type_hints(record).items():
        if get_origin(hint) is Literal:
            settings[name] = Setting(choices=get_args(hint), kind=str)
        else:
            settings[name] = numbers.get(name, Setting(kind=hint))
    return settings


@cache
def meanings(record: type) -> dict[str, str]:
    """The docstrings below the fields of a class, by field, each as one line."""
    [statement] = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    assert isinstance(statement, ast.ClassDef)
    texts: dict[str, str] = {}
    for line, below in zip(statement.body, statement.body[1:], strict=False):
        match line, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                texts[name] = " ".join(text.split())
            case _:
                pass
    return texts


KEYWORDS: Mapping[str, Setting] = {
    "clip_low": Setting(
        meaning="Ratios of new to old probability below 1 - clip_low are clipped: such a token (gspo: message) of negative "
        "advantage has no gradient. 1 or more leaves that side open. Without several optimiser steps per batch "
        "(learner.epochs or learner.mini_batches above 1) or a sampler that lags behind every ratio is 1, and nothing is "
        "clipped.",
        low=0,
        remedy="0.2 is usual, gspo takes 3e-4, and 1 or more leaves that side open",
    ),
    "clip_high": Setting(
        meaning="Ratios above 1 + clip_high are clipped: such a token (gspo: message) of positive advantage has no gradient. "
        "Idle where clip_low is.",
        low=0,
        remedy="0.2 is usual, gspo takes 4e-4, and 1e9 leaves that side open",
    ),
    "dual_clip": Setting(
        meaning="Bounds what a token of negative advantage counts at that many times its advantage, however large its ratio; 0 "
        "switches it off. See: Ye et al., arXiv 1912.09729: 3.",
        low=1,
        open_low=True,
        off=0,
        remedy="3 is usual, and 0 switches it off",
    ),
    "weight_cap": Setting(
        meaning="Largest weight of a token, its ratio of new to old probability; no token loses its gradient. Without several "
        "optimiser steps per batch or a sampler that lags behind every ratio is 1, and nothing is capped.",
        low=0,
        open_low=True,
        remedy="5 is usual",
    ),
    "statistics": Setting(
        meaning="What the mean and the deviation of a group are taken over: its sampled tokens, so that long messages weigh "
        "more, or its messages (sequence).",
        choices=("token", "sequence"),
        kind=str,
    ),
    "ema_decay": Setting(
        meaning="Share of the old average that the baseline of a game and role keeps at every episode.",
        low=0,
        high=1,
        open_high=True,
        remedy="SPIRAL uses 0.95",
    ),
    "gae_lambda": Setting(
        meaning="Decay of generalised advantage estimation: 1 compares the return with the value head's word on every token, 0 "
        "that word with its next one.",
        low=0,
        high=1,
        remedy="0.95 is usual",
    ),
    "whitened": Setting(
        meaning="Advantages get mean 0 and standard deviation 1 over the tokens of the batch.",
        kind=bool,
    ),
    "beta": Setting(
        meaning="How strongly a preference must show in the ratio to the reference; smaller goes further from it.",
        low=0,
        open_low=True,
        remedy="0.1 is usual",
    ),
}
"""Keywords of the functions in `agents.algorithms.advantages` and `agents.algorithms.losses`."""
