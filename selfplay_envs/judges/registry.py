"""Judges by name. Other packages add theirs through the entry-point group `selfplay_envs.judges`, loaded on first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..core.errors import UsageError
from ..core.judging import SELF, Judge
from ..names.loading import blame
from ..names.registry import Registry

__all__ = ["JUDGES", "PURE", "Judges", "check_judge", "is_pure", "judge_names", "open_judge"]

PURE = {
    "rules": "selfplay_envs.judges.rules:RulesJudge",
    "styled": "selfplay_envs.judges.styled:StyledJudge",
    "criteria": "selfplay_envs.judges.criteria:CriteriaJudge",
}
"""Judges that always score an answer alike; an environment that may use any other is nondeterministic."""
JUDGES: Registry[Callable[..., Judge] | Judge] = Registry(
    "judge",
    {**PURE, SELF: "selfplay_envs.judges.registry:unbound"},
    group="selfplay_envs.judges",
    what="a judge: a class or function that makes one, or an object with `score`",
    fits=lambda thing: callable(thing) or hasattr(thing, "score"),
    takes=0,
)
"""Classes or functions that make a judge, whose keywords are the options of the text; or judges as they are."""


class Judges:
    """Judges by text, each opened on first use and kept; safe to share by threads.

    Args:
        default: The environment's own, as a text or an object: the one of items that name no judge.
        bound: Judges of this run by name, such as `self`; they come before the registry's.

    Raises:
        UsageError: No judge has the name `default`, whether it is ever opened or not.
    """

    def __init__(self, default: str | Judge, bound: Mapping[str, Judge] | None = None) -> None:
        self._open: dict[str, Judge] = dict(bound or {})
        self._opening = threading.Lock()
        self.default: str | Judge = default
        """The environment's own: its text with its options, or the object that was given."""
        if isinstance(default, str) and default not in self._open:
            check_judge(default)

    def __getitem__(self, name: str) -> Judge:
        """The judge of that text, or the environment's own where it is empty.

        Raises:
            UsageError: No judge of that name is bound or registered, or it does not open.
        """
        text = name or self.default
        if not isinstance(text, str):
            return text
        with self._opening:
            if text not in self._open:
                self._open[text] = open_judge(text)
            return self._open[text]

    def with_default(self, default: str | Judge) -> Judges:
        """These judges with another one for items that name none.

        Raises:
            UsageError: No judge has that name.
        """
        return Judges(default, self._open)

    def open_all(self, names: Iterable[str]) -> None:
        """Opens the judges of these texts, such as `Game.judges`, before the first request.

        Raises:
            UsageError: As `judges[name]`.
        """
        for name in names:
            self[name]


def judge_names() -> tuple[str, ...]:
    """Names of judges on this installation; `module:NAME` and options may stand in their place."""
    return JUDGES.names()


def check_judge(text: str) -> None:
    """Checks a judge's text without opening the judge, unless it is pure; `self` passes, since it can be bound later.

    Raises:
        UsageError: The name or an option is not known, or a module of one's own is wrong; or a pure judge does not open.
    """
    JUDGES.find(text)
    if is_pure(text):
        open_judge(text)  # costs nothing, and looks at the values of its options


def is_pure(judge: str | Judge) -> bool:
    """Whether a judge is the text of one in `PURE`, with options or without; nothing is imported."""
    return isinstance(judge, str) and judge.partition(":")[0] in PURE


def open_judge(text: str) -> Judge:
    """The judge of that text: `NAME`, or `module:NAME` for one of your own, each with options as in `mine:Vowels:weight=2`.

    Raises:
        UsageError: There is none, it does not open, or it is `self`, which has to be bound.
    """
    entry: Any = JUDGES.find(text)
    try:
        judge: Any = entry() if callable(entry) else entry
    except UsageError:
        raise
    except (Exception, SystemExit) as error:  # a class of somebody else's, such as one that reads a file
        raise UsageError(f"judge={text!r}: {blame(error, text.partition(':')[0])}; mend it or its options.") from error
    if not callable(getattr(judge, "score", None)):
        raise UsageError(f"judge={text!r} opened {judge!r:.80}, which has no method score(items); see selfplay_envs.Judge.")
    return judge


def unbound() -> Judge:
    """Refuses to open `self` where no run has bound it.

    Raises:
        UsageError: Always.
    """
    raise UsageError(
        "judge='self' is the run's own model with its starting weights, and none is bound here: let `selfplay train` bind "
        "it, or in your own code pass Referee(judges={'self': SelfJudge(sampler)})."
    )
