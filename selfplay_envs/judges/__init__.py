"""Judges by name. Other packages add theirs through the entry-point group `selfplay_envs.judges`, loaded when asked for."""

from __future__ import annotations

from importlib.metadata import entry_points

from ..errors import UsageError
from ..game import Judge
from .rules import RulesJudge

__all__ = ["PURE", "SELF", "RulesJudge", "judge_names", "open_judge"]

GROUP = "selfplay_envs.judges"
PURE = frozenset({"rules"})
"""Names of the judges that are known to be pure functions; an environment that asks another is nondeterministic."""
SELF = "self"
"""The run's own model with its starting weights; never opened by name, since only a run has it: see `Referee`."""


def judge_names() -> tuple[str, ...]:
    """Names that `open_judge` accepts on this installation."""
    return ("rules", *sorted(point.name for point in entry_points(group=GROUP)))


def open_judge(name: str) -> Judge:
    """The judge of that name.

    Raises:
        UsageError: No judge of that name is registered, or it is `self`, which has to be bound.
    """
    if name == "rules":
        return RulesJudge()
    if name == SELF:
        raise UsageError(
            "judge='self' is the run's own model with its starting weights, and none is bound here: let `selfplay train` bind "
            "it, or in your own code pass Referee(judges={'self': SelfJudge(sampler)})."
        )
    for point in entry_points(group=GROUP):
        if point.name == name:
            return point.load()()
    raise UsageError(f"judge={name!r} is not registered; choose one of {', '.join(judge_names())}.")
