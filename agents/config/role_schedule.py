"""Schedules: which roles train at a step, as a pure function of the step; written as text, such as `every:proposer=5`.

    joint                           every role, every step
    alternate:proposer=1,solver=5   one step the proposer, then five steps the solver, and over again; `a+b=2` trains both
    every:proposer=5                the proposer at steps 5, 10, 15 ...; all other roles always
    frozen:proposer                 the proposer never, and it plays with its starting weights for ever

A role that does not train at a step still plays. Unless the roles have adapters of their own
(`LearnerConfig.adapters="per-role"`), it plays with the shared weights, which the other roles' gradients move: that is also
what AZR's `train_propose=False` and our `TrainConfig.train_roles` do, and it is not a frozen player. Only `frozen` is: the
role then samples from the base of a LoRA model, without adapters, or from a copy of the model as the run started with it.

See: Huang et al., R-Zero, arXiv 2508.05004 (alternation); Chen et al., Self-Questioning Language Models, arXiv 2508.03682
(proposer every 5 steps).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

KINDS = ("joint", "alternate", "every", "frozen")
EXAMPLES = "joint, alternate:proposer=1,solver=5, every:proposer=5 or frozen:proposer"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule."""

    kind: str = "joint"
    phases: tuple[tuple[tuple[str, ...], int], ...] = ()
    """Roles and a number of steps: the length of a phase, or the period; 0 for `frozen`."""
    text: str = "joint"
    """As it was written."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The schedule that a text describes.

        Raises:
            ValueError: It is not understood; the sentence shows how schedules are written.
        """
        kind, colon, rest = text.partition(":")
        if kind not in KINDS or (kind == "joint") == bool(colon):
            raise ValueError(f"TrainConfig.schedule={text!r} is not understood; write {EXAMPLES}.")
        phases = [_phase(text, kind, item) for item in rest.split(",")] if colon else []
        named = [role for roles, _ in phases for role in roles]
        if len(set(named)) < len(named) and kind != "alternate":
            raise ValueError(f"TrainConfig.schedule={text!r} names a role twice; name each once.")
        return cls(kind, tuple(phases), text)

    @property
    def named(self) -> frozenset[str]:
        """Every role that the text names."""
        return frozenset(role for roles, _ in self.phases for role in roles)

    @property
    def frozen(self) -> frozenset[str]:
        """Roles that play with their starting weights for ever."""
        return self.named if self.kind == "frozen" else frozenset()

    def trained(self, step: int, roles: Collection[str]) -> frozenset[str]:
        """The roles that train at a step.

        Args:
            step: 1-based.
            roles: Every role of the run.

        Raises:
            ValueError: The schedule names a role that is not among them.
        """
        unknown = sorted(self.named - set(roles))
        if unknown:
            raise ValueError(
                f"TrainConfig.schedule names {unknown[0]!r}, but the roles of these games are {', '.join(sorted(roles))}."
            )
        if self.kind == "alternate":
            place = (step - 1) % sum(count for _, count in self.phases)
            for phase, count in self.phases:
                if place < count:
                    return frozenset(phase)
                place -= count
        untrained = {role for phase, period in self.phases for role in phase if self.kind == "frozen" or step % period}
        return frozenset(roles) - untrained


def check_roles(
    schedule: Schedule,
    roles: Collection[str],
    train_roles: Collection[str],
    options: Mapping[str, Collection[str]],
    steps: int,
) -> frozenset[str]:
    """The roles that train at some step of a run; stops one in which a role is misspelt, or nobody would ever train.

    Args:
        schedule: Of the run.
        roles: Every role of its games.
        train_roles: Those that are to train; empty: all.
        options: The roles that settings of the algorithm name, by the setting.
        steps: Of the run.

    Raises:
        ValueError: One of these names a role that the games have not, or nobody trains at any step.
    """
    schedule.trained(1, roles)
    named = {"TrainConfig.train_roles": train_roles, **{f"options {name}": given for name, given in options.items()}}
    for name, given in named.items():
        unknown = sorted(set(given) - set(roles))
        if unknown:
            raise ValueError(f"{name} names {unknown[0]!r}, but the roles of these games are {', '.join(sorted(roles))}.")
    allowed, trained = frozenset(train_roles or roles), frozenset[str]()
    for step in range(1, steps + 1):
        trained |= schedule.trained(step, roles) & allowed
        if trained == allowed:
            break
    if not trained:
        raise ValueError(
            f"nobody would train at any of the {steps} steps: of {', '.join(sorted(roles))} TrainConfig.train_roles keeps "
            f"{', '.join(sorted(train_roles)) or 'all'}, and TrainConfig.schedule={schedule.text!r} trains none of them; "
            "change either."
        )
    return trained


def _phase(text: str, kind: str, item: str) -> tuple[tuple[str, ...], int]:
    """`proposer=5` or, for `frozen`, `proposer`."""
    names, equals, count = item.partition("=")
    roles = tuple(names.split("+"))
    numbered = bool(equals) and count.isdecimal() and int(count) > 0
    if not all(roles) or (equals if kind == "frozen" else not numbered):
        form = "a role" if kind == "frozen" else "ROLE=STEPS with at least 1 step"
        raise ValueError(f"TrainConfig.schedule={text!r}: {item!r} is not {form}; write {EXAMPLES}.")
    return roles, int(count) if numbered else 0
