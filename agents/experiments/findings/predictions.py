"""The covariance that foretells the change of entropy beside the change that was measured, of every run of an experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from selfplay_envs import UsageError

from ...analysis.entropy.change import ScaleFit, fit_scale
from ...analysis.entropy.recorded import PredictedChange, predicted_changes
from ...analysis.finished_runs import FinishedRun

SPAN = 10
"""Updates of an interval: entropies of two single steps differ more by their prompts than by what was learned between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One group of one run."""

    arm: str
    seed: int
    change: PredictedChange
    fit: ScaleFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Of all runs of an experiment."""

    found: Sequence[Prediction]
    missing: Mapping[str, str]
    """Why there is none, by the name of the run and, where only a group has none, of the group."""


def predictions_of(runs: Sequence[FinishedRun], on_part: Callable[[str], None] | None = None) -> Predictions:
    """Predictions for the whole model and by role.

    Args:
        runs: Finished ones that sample.
        on_part: Told what is read next.
    """
    found: list[Prediction] = []
    missing: dict[str, str] = {}
    for run in runs:
        if on_part is not None:
            on_part(f"episodes of {run.name}")
        try:
            changes = predicted_changes(run, SPAN)
        except UsageError as error:  # its episodes are without tokens, or its algorithm without advantages
            missing[run.name] = str(error)
            continue
        for change in changes:
            try:
                fit = fit_scale(change.totals, change.changes)
            except ValueError as error:  # too few intervals, or no covariance
                missing[f"{run.name}, {change.group}"] = str(error)
            else:
                found.append(Prediction(arm=run.arm, seed=run.config.seed, change=change, fit=fit))
    return Predictions(found=found, missing=missing)
