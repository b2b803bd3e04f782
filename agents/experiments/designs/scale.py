"""How much of an experiment is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ..arm import Arm

Scale = Literal["core", "full", "fast"]
"""`core` has the arms of the paper's claims, `full` all, `fast` few arms for a quarter of an hour."""
FAST_SEEDS = 2


def arms_of_scale(arms: Mapping[str, Arm], scale: Scale, core: Sequence[str], fast: Sequence[str]) -> tuple[Arm, ...]:
    """The arms of a scale; of `fast` with the first two of their seeds.

    Args:
        arms: All, by name.
        scale: It.
        core: Names of those of `core`.
        fast: Names of those of `fast`.
    """
    if scale == "full":
        return tuple(arms.values())
    if scale == "core":
        return tuple(arms[name] for name in core)
    return tuple(replace(arms[name], seeds=arms[name].seeds[:FAST_SEEDS]) for name in fast)
