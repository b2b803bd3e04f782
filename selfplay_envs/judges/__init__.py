"""Judges by name. Other packages add theirs through the entry-point group `selfplay_envs.judges`, loaded when asked for."""

from __future__ import annotations

from importlib.metadata import entry_points

from ..errors import UsageError
from ..game import Judge
from .rules import RulesJudge

__all__ = ["RulesJudge", "judge_names", "open_judge"]

GROUP = "selfplay_envs.judges"


def judge_names() -> tuple[str, ...]:
    """Names that `open_judge` accepts on this installation."""
    return ("rules", *sorted(point.name for point in entry_points(group=GROUP)))


def open_judge(name: str) -> Judge:
    """The judge of that name.

    Raises:
        UsageError: No judge of that name is registered.
    """
    if name == "rules":
        return RulesJudge()
    for point in entry_points(group=GROUP):
        if point.name == name:
            return point.load()()
    raise UsageError(f"judge={name!r} is not registered; choose one of {', '.join(judge_names())}.")
