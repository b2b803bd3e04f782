"""The proposals of runs put together: what each quantity does over the steps of every arm, with intervals over its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from selfplay_envs import UsageError

from ..finished_runs import FinishedRun
from ..intervals import RATE, mean_over_seeds
from ..seed_curves import Curve, Interval, SeedCurve, seed_curve, where_known
from .proposals import Proposal, proposals_of_run
from .quantities import ALL, QUANTITIES, TOKENS, Series, series_of
from .solved import SOLVED, Solved, points_of, solved_series
from .trends import Points, Trend, trend_of

SCORES: Mapping[str, str] = {"solve_rate": "score", "own": "own_score", "base": "base_score", "final": "final_score"}
"""Solve rates, and the mean scores beside them."""


CODE = ("code", "answers_code")
"""Shares of what is like code, which is 0 in most games."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCurriculum:
    """What was proposed in one run."""

    name: str
    arm: str
    proposals: Sequence[Proposal]
    series: Mapping[str, Mapping[str, Series]]
    """Values by group, quantity and step."""
    solved: Sequence[Solved] = ()
    """A sample of them, solved anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCurriculum:
    """What was proposed in the runs of one arm; curves and trends are by group, then by quantity."""

    arm: str
    runs: Sequence[RunCurriculum]
    curves: Mapping[str, Mapping[str, SeedCurve]]
    trends: Mapping[str, Mapping[str, Trend]]

    @property
    def proposals(self) -> list[Proposal]:
        """Those of all runs."""
        return [one for run in self.runs for one in run.proposals]

    @property
    def solved(self) -> list[Solved]:
        """The samples of all runs."""
        return [one for run in self.runs for one in run.solved]


def curriculum_of(run: FinishedRun) -> RunCurriculum:
    """What was proposed in a run, as far as episodes are recorded.

    Raises:
        UsageError: Nothing was, or a record is damaged.
    """
    proposals = proposals_of_run(run.folder)
    if not proposals:
        raise UsageError(
            f"run={str(run.folder)!r} holds no proposals: no role of it proposes, or no episode of such a step is recorded "
            "(episodes_every); name a run of self-play."
        )
    return RunCurriculum(name=run.name, arm=run.arm, proposals=proposals, series=series_of(proposals, run.rows))


def curricula_by_arm(runs: Sequence[RunCurriculum]) -> list[ArmCurriculum]:
    """The runs of every arm together, in the order of their first runs."""
    arms: dict[str, list[RunCurriculum]] = {}
    for run in runs:
        arms.setdefault(run.arm, []).append(run)
    return [_together(arm, of_arm) for arm, of_arm in arms.items()]


def shown_quantities(arms: Sequence[ArmCurriculum]) -> list[str]:
    """Those that some arm has and that say something.

    Left out are characters where tokens are known, scores where all answers are worth 0 or 1, and code where nothing is like
    it.
    """
    there = {name: [arm.curves[ALL][name] for arm in arms if name in arm.curves[ALL]] for name in (*QUANTITIES, *SOLVED)}
    hidden = {"characters"} if there[TOKENS] else set[str]()
    hidden |= {name for name in CODE if not any(one.mean for curve in there[name] for one in curve.means)}
    for name, score in SCORES.items():
        if [curve.means for curve in there[name]] == [curve.means for curve in there[score]]:
            hidden.add(score)
    return [name for name, curves in there.items() if curves and name not in hidden]


def sample_by_step(arm: ArmCurriculum, name: str) -> dict[int, Interval]:
    """Means by step of one of `SOLVED`, with Student's t over the runs, or with one run over its proposals of that step."""
    found: dict[int, Interval] = {}
    for step in sorted({one.step for one in arm.solved}):
        runs = [[value for at, value in points_of(run.solved, name) if at == step] for run in arm.runs]
        runs = [values for values in runs if values]
        values = runs[0] if len(runs) == 1 else [fmean(of_run) for of_run in runs]
        if len(values) > 1:
            found[step] = where_known(mean_over_seeds(values, RATE))
        elif values:
            found[step] = Interval(values[0])
    return found


def _together(arm: str, runs: Sequence[RunCurriculum]) -> ArmCurriculum:
    curves: dict[str, dict[str, SeedCurve]] = {}
    trends: dict[str, dict[str, Trend]] = {}
    for group in dict.fromkeys(group for run in runs for group in run.series):
        own = [run.series.get(group, {}) for run in runs]
        series = {name: [one.get(name, {}) for one in own] for name in dict.fromkeys(name for one in own for name in one)}
        curves[group] = _curves(arm, group, series)
        trends[group] = _trends({name: [list(one.items()) for one in of_runs] for name, of_runs in series.items()})
    curves[ALL] |= _curves(arm, ALL, {name: [solved_series(run.solved, name) for run in runs] for name in SOLVED})
    trends[ALL] |= _trends({name: [points_of(run.solved, name) for run in runs] for name in SOLVED})
    return ArmCurriculum(arm=arm, runs=runs, curves=curves, trends=trends)


def _curves(arm: str, group: str, series: Mapping[str, Sequence[Series]]) -> dict[str, SeedCurve]:
    found: dict[str, SeedCurve] = {}
    for name, runs in series.items():
        own = [Curve(group=group, steps=list(run), values=list(run.values())) for run in runs if run]
        if own and (curve := seed_curve(arm, name, own)) is not None:
            found[name] = curve
    return found


def _trends(points: Mapping[str, Sequence[Points]]) -> dict[str, Trend]:
    trends = {name: trend_of(runs) for name, runs in points.items()}
    return {name: trend for name, trend in trends.items() if trend is not None}
