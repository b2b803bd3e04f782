"""What the cells of an experiment say together: every arm beside the base, entropies, proposals, changed weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...analysis.answers.pass_at_k import PassAtK, compare_pass_at_k
from ...analysis.answers.trials import Trials, trials_of_rows
from ...analysis.dynamics import LawOfArm, Point, laws_of, points_of
from ...analysis.entropy.curves import SeedCurve, over_seeds
from ...analysis.finished_runs import FinishedRun
from ...analysis.proposals import Proposal, proposals_of_run
from ...analysis.weights.checkpoint import open_checkpoint
from ...analysis.weights.sparsity import Sparsity, measure_sparsity
from ...analysis.weights.update_rank import UpdateRanks
from ..experiment import Arm
from ..records import Realised, realised
from ..results import CellResult, Results
from .changes import ChangesAt, changes_of_cell
from .predictions import Predictions, predictions_of
from .updates import RunOverlap, last_models, overlaps_of, ranks_by_arm

BASE = "base"
OnPart = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """An experiment's results with everything that is computed of them."""

    results: Results
    """Of the cells that are trained to the end: the others' numbers are those of earlier steps."""
    unfinished: Sequence[str]
    """Names of the others."""
    realised: Mapping[str, Realised]
    """What arms that train really had."""
    trials: Mapping[str, Mapping[str, Trials]]
    """Right answers by set of problems and arm."""
    beside_base: Mapping[str, Mapping[str, PassAtK]]
    """Every other arm beside the base, by set of problems and arm."""
    runs: Mapping[str, Sequence[FinishedRun]]
    """The runs of arms that train, by arm."""
    entropies: Sequence[SeedCurve]
    """Of arms that sample: on given replies an entropy is not the policy's own."""
    proposals: Mapping[str, Mapping[int, Sequence[Proposal]]]
    """Valid proposals by arm and seed, of arms that have some."""
    changes: Mapping[str, Mapping[int, Sequence[ChangesAt]]]
    """Kept models beside the start, by arm and seed."""
    layers: Mapping[str, Sparsity]
    """The last model of the first seed of every arm beside the start, layer by layer."""
    ranks: Mapping[str, UpdateRanks]
    """Ranks of the update of the first seed of every arm, of some of its matrices."""
    overlaps: Sequence[RunOverlap]
    """Weights that two runs changed alike."""
    predictions: Predictions
    """Predicted beside measured changes of entropy, of runs that sample."""
    points: Sequence[Point]
    """Entropy and pass@k along the runs that sample."""
    laws: Sequence[LawOfArm]

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Those of which there are results, in the experiment's order."""
        there = {cell.arm for cell in self.results.cells}
        return tuple(arm for arm in self.results.experiment.arms if arm.name in there)


def find(results: Results, on_part: OnPart | None = None) -> Findings:
    """Computes everything of the cells that are trained to the end.

    Args:
        results: Of an experiment, finished or not.
        on_part: Told what is read next, such as `models of sft/seed-0`, where it takes long.

    Raises:
        AgentError: A model that was kept is not there.
        UsageError: Arms were measured on different problems, or a record is damaged.
    """
    done = tuple(cell for cell in results.cells if _is_done(results, cell))
    unfinished = [f"{cell.arm}/seed-{cell.seed}" for cell in results.cells if cell not in done]
    results = replace(results, cells=done)
    runs, changes = _runs(results), _changes(results, on_part)
    sampled = [run for of_arm in runs.values() for run in of_arm if not run.imitates]
    points = [point for run in sampled if run.evaluations for point in _points(run, changes)]
    trials = _trials(results)
    layers, ranks, overlaps = _last_updates(results)
    return Findings(
        results=results,
        unfinished=unfinished,
        realised=_realised(results),
        trials=trials,
        beside_base={name: _beside_base(arms) for name, arms in trials.items()},
        runs=runs,
        entropies=over_seeds(sampled, "exact") if sampled else [],
        proposals=_proposals(results),
        changes=changes,
        layers=layers,
        ranks=ranks,
        overlaps=overlaps,
        predictions=predictions_of(sampled, on_part),
        points=points,
        laws=laws_of(points) if points else [],
    )


def _is_done(results: Results, cell: CellResult) -> bool:
    """Whether the cell's run has made all its steps; a cell that trains nothing is done once something is measured of it."""
    if results.experiment.arm(cell.arm).config is None:
        return bool(cell.measured)
    return bool(cell.rows) and int(cell.rows[-1]["step"]) >= results.experiment.budget.steps


def _points(run: FinishedRun, changes: Mapping[str, Mapping[int, Sequence[ChangesAt]]]) -> list[Point]:
    """Entropy, pass@k and, where the model was kept, the share of weights unchanged in bfloat16, at every evaluation."""
    kept = changes.get(run.arm, {}).get(run.config.seed, ())
    return points_of(run, unchanged={one.step: one.bfloat16[0] for one in kept})


def _realised(results: Results) -> dict[str, Realised]:
    experiment = results.experiment
    pairs = [(arm.name, realised(arm, experiment.budget, results.arm(arm.name))) for arm in experiment.arms]
    return {name: one for name, one in pairs if one is not None}


def _trials(results: Results) -> dict[str, dict[str, Trials]]:
    """The last models' answers."""
    found: dict[str, dict[str, Trials]] = {}
    for problems in results.experiment.measure.sets:
        for arm in results.experiment.arms:
            cells = [cell for cell in results.arm(arm.name) if problems.name in cell.measured]
            rows = {f"seed {cell.seed}": cell.measured[problems.name] for cell in cells}
            if rows:
                found.setdefault(problems.name, {})[arm.name] = trials_of_rows(arm.name, rows)
    return found


def _beside_base(arms: Mapping[str, Trials]) -> dict[str, PassAtK]:
    if BASE not in arms:
        return {}
    return {name: compare_pass_at_k(arms[BASE], trials) for name, trials in arms.items() if name != BASE}


def _runs(results: Results) -> dict[str, list[FinishedRun]]:
    """Their evaluations are those on the validation problems."""
    found: dict[str, list[FinishedRun]] = {}
    for arm in results.experiment.arms:
        cells = results.arm(arm.name)
        if arm.config is not None and cells:
            found[arm.name] = [_run(arm, cell) for cell in cells]
    return found


def _run(arm: Arm, cell: CellResult) -> FinishedRun:
    assert arm.config is not None
    return FinishedRun(
        name=f"{arm.name}, seed {cell.seed}",
        arm=arm.name,
        folder=cell.folder,
        config=replace(arm.config, seed=cell.seed),
        rows=cell.rows,
        evaluations=cell.validation,
    )


def _proposals(results: Results) -> dict[str, dict[int, list[Proposal]]]:
    found: dict[str, dict[int, list[Proposal]]] = {}
    for cell in results.cells:
        if proposals := proposals_of_run(cell.folder):
            found.setdefault(cell.arm, {})[cell.seed] = proposals
    return found


def _changes(results: Results, on_part: OnPart | None) -> dict[str, dict[int, tuple[ChangesAt, ...]]]:
    cells = [cell for cell in results.cells if cell.models]
    start = open_checkpoint(results.experiment.model) if cells else None
    found: dict[str, dict[int, tuple[ChangesAt, ...]]] = {}
    for cell in cells:
        assert start is not None
        if on_part is not None:
            on_part(f"models of {cell.arm}/seed-{cell.seed}")
        found.setdefault(cell.arm, {})[cell.seed] = changes_of_cell(cell, start)
    return found


def _last_updates(results: Results) -> tuple[dict[str, Sparsity], dict[str, UpdateRanks], list[RunOverlap]]:
    """Layers and ranks of the first seed of every arm, and overlaps of runs; nothing where no model was kept."""
    models = last_models(results.cells)
    if not models:
        return {}, {}, []
    start = open_checkpoint(results.experiment.model)
    firsts = {arm: str(next(iter(of_arm.values()))) for arm, of_arm in models.items()}
    layers = {arm: measure_sparsity(start, open_checkpoint(path)) for arm, path in firsts.items()}
    return layers, ranks_by_arm(models, start), overlaps_of(models, start)
