"""Judges by name. Other packages add theirs through the entry-point group `selfplay_envs.judges`, loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import UsageError
from ..game import Judge
from ..loading import blame
from ..named import Registry

__all__ = ["JUDGES", "PURE", "SELF", "check_judge", "judge_names", "open_judge"]

PURE = frozenset({"rules"})
"""Texts of the judges that are known to be pure functions; an environment that asks another is nondeterministic."""
SELF = "self"
"""The run's own model with its starting weights; never opened by name, since only a run has it: see `Referee`."""

JUDGES: Registry[Callable[..., Judge] | Judge] = Registry(
    "judge",
    {"rules": "selfplay_envs.judges.rules:RulesJudge", SELF: "selfplay_envs.judges:unbound"},
    group="selfplay_envs.judges",
    what="a judge: a class or function that makes one, or an object with `score`",
    fits=lambda thing: callable(thing) or hasattr(thing, "score"),
    takes=0,
)
"""Classes or functions that make a judge, whose keywords are the options of the text; or judges as they are."""


def judge_names() -> tuple[str, ...]:
    """Names of judges on this installation; `module:NAME` and options may stand in their place."""
    return JUDGES.names()


def check_judge(text: str) -> None:
    """Looks at a judge's text without opening the judge; `self` passes, since it can be bound later.

    Raises:
        UsageError: The name or an option is not known, or a module of one's own is wrong.
    """
    JUDGES.find(text)


def open_judge(text: str) -> Judge:
    """The judge of that text: `NAME`, or `module:NAME` for one of your own, each with options as in `mine:Vowels:weight=2`.

    Raises:
        UsageError: There is none, it does not open, or it is `self`, which has to be bound.
    """
    found: Any = JUDGES.find(text)
    try:
        judge: Any = found() if callable(found) else found
    except UsageError:
        raise
    except (Exception, SystemExit) as error:  # a class of somebody else's, such as one that reads a file
        raise UsageError(f"judge={text!r}: {blame(error, text.partition(':')[0])}; mend it or its options.") from error
    if not callable(getattr(judge, "score", None)):
        raise UsageError(f"judge={text!r} opened {judge!r:.80}, which has no method score(items); see selfplay_envs.Judge.")
    return judge


def unbound() -> Judge:
    """What `self` opens where no run has bound it.

    Raises:
        UsageError: Always.
    """
    raise UsageError(
        "judge='self' is the run's own model with its starting weights, and none is bound here: let `selfplay train` bind "
        "it, or in your own code pass Referee(judges={'self': SelfJudge(sampler)})."
    )


def __getattr__(name: str) -> Any:
    """`RulesJudge`, which is imported when it is asked for."""
    if name == "RulesJudge":
        from .rules import RulesJudge

        return RulesJudge
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
