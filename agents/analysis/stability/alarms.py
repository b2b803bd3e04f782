"""The alarms of runs: each with its first step and its reason, and what could not be watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..finished_runs import FinishedRun
from ..seed_curves import Curve, SeedCurve
from .departures import FIRST, LASTING, Departure, departure
from .quantities import QUANTITIES, WHOLE
from .reward_drift import held_out, reward_drift
from .rules import RULES, Rule
from .watched import Watched, mean_curves, roles_for, watch

DRIFT, DAMAGE = "reward drifts", "damaged numbers"
"""Alarms that no rule of the table gives."""
TOO_FEW = f"fewer than {FIRST + LASTING} rows have it"
"""Why a departure cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something went wrong in a run."""

    run: str
    arm: str
    name: str
    quantity: str
    """The one that departed, as in `QUANTITIES`; empty where it is none of them."""
    role: str
    """`WHOLE` in its place where it is of no role."""
    step: int
    """The first one of the lasting departure."""
    value: float
    """What it came to."""
    reference: float
    """What it was."""
    reason: str
    """One sentence with its numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWatched:
    """An alarm that a run's rows cannot tell of."""

    run: str
    arm: str
    name: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How some runs went."""

    runs: Sequence[Watched]
    means: Sequence[SeedCurve]
    """By arm; `kind` is the quantity and `group` the role."""
    alarms: Sequence[Alarm]
    """By arm and run, then by step."""
    not_watched: Sequence[NotWatched]


def stability_of(runs: Sequence[FinishedRun]) -> Stability:
    """Series and alarms of some runs.

    Raises:
        UsageError: A row of one has no step.
    """
    watched = [watch(run) for run in runs]
    alarms: list[Alarm] = []
    not_watched: list[NotWatched] = []
    for run in watched:
        found, missing = alarms_of(run)
        alarms += found
        not_watched += missing
    return Stability(runs=watched, means=mean_curves(watched), alarms=alarms, not_watched=not_watched)


def alarms_of(run: Watched) -> tuple[list[Alarm], list[NotWatched]]:
    """The alarms of a run in the order of their steps, and those that could not be watched."""
    found = [_judge(run, rule, role) for rule in RULES for role in _roles(run, rule)]
    judged = [(role, "V_Q") for role in run.answering if ("V_Q", role) in run.curves]
    scored = [(role, "V") for role in run.answering or [WHOLE]]
    found += [_judge_drift(run, role, quantity) for role, quantity in (*scored, *judged)]
    found += [_damaged(run)] if run.damage else []
    alarms = [one for one in found if isinstance(one, Alarm)]
    missing = [one for one in found if isinstance(one, NotWatched)]
    return sorted(alarms, key=lambda alarm: alarm.step), missing


def _roles(run: Watched, rule: Rule) -> list[str]:
    """The roles that a rule watches; `WHOLE` where the run has none of that kind."""
    [quantity] = [one for one in QUANTITIES if one.name == rule.quantity]
    roles = roles_for(quantity, run.roles, run.answering)
    if rule.quantity == "KL" and not any((rule.quantity, role) in run.curves for role in roles):
        return [WHOLE]
    return roles or [WHOLE]


def _judge(run: Watched, rule: Rule, role: str) -> Alarm | NotWatched | None:
    name = "KL, all roles" if (rule.quantity, role) == ("KL", WHOLE) else rule.quantity
    curve = run.curves.get((name, role))
    missing = _missing(run, rule, curve)
    if curve is None or missing:
        return NotWatched(run=run.run, arm=run.arm, name=rule.name, role=role, reason=missing)
    found = departure(np.array(curve.values), rule.sign, rule.limit, rule.since)
    if found is None:
        return None
    return Alarm(
        run=run.run,
        arm=run.arm,
        name=rule.name,
        quantity=name,
        role=role,
        step=curve.steps[found.onset],
        value=found.value,
        reference=found.reference,
        reason=_reason(rule, curve, found),
    )


def _missing(run: Watched, rule: Rule, curve: Curve | None) -> str:
    """Why a series tells nothing; empty where it does."""
    if rule.quantity == "entropy" and run.imitates:
        return "its replies were given"
    if curve is None:
        return "no row has it"
    if len(curve.steps) < FIRST + LASTING:
        return TOO_FEW
    if rule.quantity == "solved" and run.curves.get(("V", curve.group)) != curve:
        return "answers can be partly right, and their V is watched"
    return ""


def _reason(rule: Rule, curve: Curve, found: Departure) -> str:
    was = {"start": "at first", "best": "before", "zero": "at the start"}[rule.since]
    side = "above" if rule.sign == 1 else "below"
    end = "" if found.until is None else f", until step {curve.steps[found.until]}"
    return f"{rule.quantity} is {found.value:.3g}, {found.reference:.3g} {was}, {side} {found.limit:.3g}{end}: {rule.why}."


def _judge_drift(run: Watched, role: str, quantity: str) -> Alarm | NotWatched | None:
    earned, evaluated = run.curves.get((quantity, role)), held_out(run.evaluations)
    reason = ""
    if earned is None:
        reason = "no row has it"
    elif len(evaluated.steps) < 2 or not any(evaluated.values):
        reason = f"evaluations on held-out problems: {len(evaluated.steps)}; 2 are needed, not all of them 0"
    elif len(earned.steps) < FIRST + LASTING:
        reason = TOO_FEW
    if earned is None or reason:
        return NotWatched(run=run.run, arm=run.arm, name=DRIFT, role=role, reason=reason)
    found = reward_drift(earned, evaluated)
    if found is None:
        return None
    first, last = found.evaluated
    return Alarm(
        run=run.run,
        arm=run.arm,
        name=DRIFT,
        quantity=quantity,
        role=role,
        step=found.step,
        value=found.after,
        reference=found.before,
        reason=f"{quantity} is {found.after:.3g}, {found.before:.3g} before, while held-out results went from "
        f"{found.held_out[0]:.3g} (step {first}) to at most {found.held_out[1]:.3g} (step {last} and later): it is earned by "
        "an easy judge or easy tasks.",
    )


def _damaged(run: Watched) -> Alarm:
    key, step = min(run.damage.items(), key=lambda item: item[1])
    return Alarm(
        run=run.run,
        arm=run.arm,
        name=DAMAGE,
        quantity="",
        role=WHOLE,
        step=step,
        value=float("nan"),
        reference=float("nan"),
        reason=f"{len(run.damage)} keys hold what is no finite number, {key[:60]} the first: left out of everything here.",
    )
