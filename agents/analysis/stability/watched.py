"""The series of a run by quantity and role, read from rows that may be damaged, and their means over the seeds of an arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfplay_envs import UsageError

from ...runs.columns import Row, groups_of, reward_terms, roles_of
from ..finished_runs import FinishedRun
from ..seed_curves import Curve, SeedCurve, seed_curve
from .quantities import QUANTITIES, WHOLE, Quantity

LARGEST = 1e30
"""Numbers beyond it are damage: their squares and sums need not be representable."""
TERM = "return: "
"""Before the name of what a batch adds to a return, as a quantity of its own."""
SAME: Mapping[str, str] = {"return": "reward", "V": "solved"}
"""Quantities that many games have twice: they are shown where they differ from the other."""
Read = Callable[[Row, str], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The series of one run, ordered by step, each step once."""

    run: str
    arm: str
    roles: Sequence[str]
    answering: Sequence[str]
    """The roles that answer a task."""
    curves: Mapping[tuple[str, str], Curve]
    """By quantity and role, `WHOLE` in the place of a role; those of which no row holds a number are not there."""
    damage: Mapping[str, int]
    """Keys of numbers that are none (not finite, or beyond `LARGEST`), with the first step of each."""
    steps: int
    """How many there are."""
    imitates: bool
    """As in `FinishedRun`: its entropies are not those of its own replies."""
    evaluations: Sequence[Row]
    """As in `FinishedRun`, each step once."""


def watch(run: FinishedRun) -> Watched:
    """The series of a run.

    A step that has several rows, as a damaged resume may leave it, counts with the last of them; what is no finite number is
    left out and named in `damage`.

    Raises:
        UsageError: A row has no step.
    """
    rows, damage = _clean(run, "metrics.jsonl", run.rows)
    evaluations, worse = _clean(run, "eval.jsonl", run.evaluations)
    roles = sorted({role for row in rows for role in roles_of(row)})
    answering = [role for role in roles if any(_answers(row, role) for row in rows)]
    parts = {role: [_part(row, role) for row in rows] for role in roles} | {WHOLE: rows}
    curves: dict[tuple[str, str], Curve] = {}
    for one in QUANTITIES:
        for role in roles_for(one, roles, answering):
            curves[one.name, role] = _curve(rows if one.of == "proposing" else parts[role], role, one.read)
    for role in roles:
        terms = sorted({name for row in parts[role] for name in reward_terms(row, role)} - {"game"})
        curves |= {(TERM + name, role): _curve(parts[role], role, _term(name)) for name in terms}
    return Watched(
        run=run.name,
        arm=run.arm,
        roles=roles,
        answering=answering,
        curves={key: curve for key, curve in curves.items() if curve.steps},
        damage={**{f"eval {key}": step for key, step in worse.items()}, **damage},
        steps=len(rows),
        imitates=run.imitates,
        evaluations=evaluations,
    )


def roles_for(quantity: Quantity, roles: Sequence[str], answering: Sequence[str]) -> list[str]:
    """The roles that a quantity is of, among those of a run."""
    if quantity.of == "each":
        return list(roles)
    if quantity.of == "answering":
        return list(answering)
    others = [role for role in roles if role not in answering]
    return others if quantity.of == "proposing" and len(others) == 1 else [WHOLE]


def mean_curves(runs: Sequence[Watched]) -> list[SeedCurve]:
    """The mean of every quantity and role over the runs of an arm, by arm; the interval is Student's t over seeds.

    A quantity that equals another in all of an arm's runs, see `SAME`, is left out.
    """
    found: list[SeedCurve | None] = []
    for arm in dict.fromkeys(run.arm for run in runs):
        members = [run for run in runs if run.arm == arm]
        for name, role in dict.fromkeys(key for run in members for key in run.curves):
            curves = [run.curves[name, role] for run in members if (name, role) in run.curves]
            others = [run.curves.get((SAME.get(name, ""), role)) for run in members if (name, role) in run.curves]
            if curves != others:
                found.append(seed_curve(arm, name, curves))
    return [one for one in found if one is not None]


def _part(row: Row, role: str) -> Row:
    """What a row holds of one role: rows have many keys, and each is looked at for every quantity."""
    return {key: value for key, value in row.items() if key == "step" or key.startswith(f"{role}/")}


def _term(name: str) -> Read:
    def read(row: Row, role: str) -> float | None:
        terms = reward_terms(row, role)
        return terms.get(name, 0.0) if terms else None

    return read


def _answers(row: Row, role: str) -> bool:
    return any(f"{group}/solve_rate" in row for group in groups_of(row) if group.partition("/")[0] == role)


def _clean(run: FinishedRun, file: str, rows: Sequence[Row]) -> tuple[list[Row], dict[str, int]]:
    """Rows of numbers, one per step in the order of steps, and which numbers were none."""
    kept: dict[int, Row] = {}
    damage: dict[str, int] = {}
    for row in rows:
        step = row.get("step")
        if not isinstance(step, int) or isinstance(step, bool) or not 0 <= step < 2**53:
            raise UsageError(f"run={str(run.folder)!r}: a row of {file} has step={step!r:.40}; was the file edited?")
        numbers: dict[str, Any] = {key: value for key, value in row.items() if isinstance(value, int | float)}
        kept[step] = {key: value for key, value in numbers.items() if abs(value) < LARGEST}
        for key in numbers.keys() - kept[step].keys():
            damage[key] = min(step, damage.get(key, step))
    return [kept[step] for step in sorted(kept)], dict(sorted(damage.items()))


def _curve(rows: Sequence[Row], role: str, read: Read) -> Curve:
    points = [(int(row["step"]), read(row, role)) for row in rows]
    known = [(step, float(value)) for step, value in points if value is not None]
    return Curve(group=role, steps=[step for step, _ in known], values=[value for _, value in known])
