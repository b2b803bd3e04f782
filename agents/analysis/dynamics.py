"""What runs solve against how uncertain they are, over steps and arms: points, and the law between them.

A point is one evaluation of one run: the policy after so many updates. Its entropy is that of the metrics row whose weights
are the same, which is the row of the next step; after the last step there is none, and the last row, one update older, stands
for it.

See: Cui et al., arXiv 2505.22617, for R = -a exp(H) + b; Chae et al., arXiv 2510.27072, for entropy by role and for the share
of weights that stay unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from selfplay_envs import UsageError

from ..runs.columns import Row, of_role, roles_of
from .exponential_fit import ExponentialFit, fit_exponential
from .finished_runs import FinishedRun

WHOLE, ALL_ARMS = "whole model", "all arms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One evaluation of one run."""

    run: str
    arm: str
    seed: int
    step: int
    """Updates before it."""
    entropy: float | None
    """Exact, of the whole model, nats per token; None where no row has it."""
    by_role: Mapping[str, float]
    """The same of every role that trained."""
    pass_1: float
    pass_k: float
    k: int
    unchanged: float | None = None
    """Share of weights that are as they were before training, where it was measured."""
    given: bool = False
    """The entropies are on replies that were given to be imitated, not on the policy's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LawOfArm:
    """R = -a exp(H) + b for one score, one entropy and one arm; or why it is not fitted."""

    score: str
    """`pass@1` or `pass@k`."""
    entropy: str
    """`WHOLE` or a role."""
    arm: str
    """Of an arm, or `ALL_ARMS`."""
    fit: ExponentialFit | None
    reason: str = ""
    """Why there is no fit."""


def points_of(run: FinishedRun, *, window: int = 1, unchanged: Mapping[int, float] | None = None) -> list[Point]:
    """The points of a run, one per evaluation.

    Args:
        run: With evaluations.
        window: Rows of metrics around the point, in its future first, that the entropy is a mean over: more are less noisy, and
            tell of other weights too.
        unchanged: Share of unchanged weights by step, of steps that were evaluated.

    Raises:
        UsageError: The run was never evaluated, or not at a step of `unchanged`.
        ValueError: `window` is below 1.
    """
    if window < 1:
        raise ValueError(f"window={window} must be at least 1 row.")
    if not run.evaluations:
        raise UsageError(
            f"run={str(run.folder)!r} has no evaluation in eval.jsonl; train with evaluation.tasks and evaluation.every."
        )
    evaluated = [int(row["step"]) for row in run.evaluations]
    if unknown := sorted(set(unchanged or ()) - set(evaluated)):
        raise UsageError(
            f"unchanged: step {unknown[0]} of run={str(run.folder)!r} was not evaluated; give shares of these steps: "
            f"{', '.join(map(str, evaluated))}."
        )
    roles = sorted({role for row in run.rows for role in roles_of(row)})
    points: list[Point] = []
    for row in run.evaluations:
        step, k = int(row["step"]), largest_k(row)
        near = _rows_at(run.rows, step, window)
        by_role = {role: _mean(near, lambda one, role=role: of_role(one, role, "entropy")) for role in roles}
        points.append(
            Point(
                run=run.name,
                arm=run.arm,
                seed=run.config.seed,
                step=step,
                entropy=_mean(near, lambda one: one.get("entropy")),
                by_role={role: value for role, value in by_role.items() if value is not None},
                pass_1=float(row["all/pass@1"]),
                pass_k=float(row[f"all/pass@{k}"]),
                k=k,
                unchanged=(unchanged or {}).get(step),
                given=run.imitates,
            )
        )
    return points


def largest_k(row: Row) -> int:
    """The largest k of which a row of `eval.jsonl` holds pass@k of all tasks.

    Raises:
        UsageError: It holds none.
    """
    found = [int(key.removeprefix("all/pass@")) for key in row if key.startswith("all/pass@")]
    if not found:
        raise UsageError(
            f"eval.jsonl, step {row.get('step')}: no all/pass@k is there; was the row written by `selfplay train`?"
        )
    return max(found)


def laws_of(points: Sequence[Point]) -> list[LawOfArm]:
    """The law for pass@1 and pass@k, on the entropy of the whole model and of every role, over all arms and for each.

    Points whose entropies are on given replies are left out: it is not the policy's own entropy that they have. pass@k is
    fitted where all points have one k.
    """
    own = [point for point in points if not point.given]
    arms = list(dict.fromkeys(point.arm for point in own))
    roles = sorted({role for point in own for role in point.by_role})
    laws: list[LawOfArm] = []
    for score in ("pass@1", "pass@k"):
        for entropy in (WHOLE, *(roles if len(roles) > 1 else ())):
            for arm in (ALL_ARMS, *(arms if len(arms) > 1 else ())):
                laws.append(_law(score, entropy, arm, [point for point in own if arm in (ALL_ARMS, point.arm)]))
    return laws


def entropy_of(point: Point, entropy: str) -> float | None:
    """The entropy of the whole model, or of a role, at a point."""
    return point.entropy if entropy == WHOLE else point.by_role.get(entropy)


def _law(score: str, entropy: str, arm: str, points: Sequence[Point]) -> LawOfArm:
    if score == "pass@k" and len({point.k for point in points}) > 1:
        counts = ", ".join(map(str, sorted({point.k for point in points})))
        return LawOfArm(score=score, entropy=entropy, arm=arm, fit=None, reason=f"the evaluations have different k: {counts}.")
    kept = [(value, point) for point in points if (value := entropy_of(point, entropy)) is not None]
    solved = [point.pass_1 if score == "pass@1" else point.pass_k for _, point in kept]
    try:
        fit = fit_exponential([value for value, _ in kept], solved, [point.run for _, point in kept])
    except ValueError as error:  # too few points, or no spread; the sentence is the result
        return LawOfArm(score=score, entropy=entropy, arm=arm, fit=None, reason=str(error))
    return LawOfArm(score=score, entropy=entropy, arm=arm, fit=fit)


def _rows_at(rows: Sequence[Row], step: int, window: int) -> Sequence[Row]:
    """The rows nearest to the weights after `step` updates, which the row of the next step describes."""
    later_first = sorted(rows, key=lambda row: (abs(int(row["step"]) - step - 1), -int(row["step"])))
    return later_first[:window]


def _mean(rows: Sequence[Row], value_of: Callable[[Row], float | None]) -> float | None:
    values = [value for row in rows if (value := value_of(row)) is not None]
    return sum(values) / len(values) if values else None
