"""What the cells of an experiment say together: every arm beside the base, entropies, proposals, changed weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...analysis.answers.pass_at_k import PassAtK, compare_pass_at_k
from ...analysis.answers.scores import Scores, Wins
from ...analysis.answers.trials import Trials, trials_of_rows
from ...analysis.curriculum.proposals import proposals_of_run
from ...analysis.curriculum.quantities import series_of
from ...analysis.curriculum.study import RunCurriculum
from ...analysis.dynamics import LawOfArm, Point, laws_of, points_of
from ...analysis.entropy.curves import over_seeds
from ...analysis.finished_runs import FinishedRun
from ...analysis.seed_curves import SeedCurve
from ...analysis.stability.alarms import Stability, stability_of
from ...analysis.weights.checkpoint import open_checkpoint
from ...analysis.weights.sparsity import Sparsity, measure_sparsity
from ...analysis.weights.update_rank import UpdateRanks
from ..arm import Arm
from ..records import Realised, realised
from ..results import CellResult, Results
from .answers import BASE, scores_of, styles_of, wins_of
from .changes import ChangesAt, changes_of_cell
from .predictions import Predictions, predictions_of
from .updates import RunOverlap, last_models, overlaps_of, ranks_by_arm

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
    scores: Mapping[str, Mapping[str, Scores]]
    """Scores of answers that can be partly right, by set of problems and arm."""
    wins: Mapping[str, Mapping[str, Wins]]
    """Win rates against the base by set of problems and arm, of the base against itself where its own scores are known."""
    styles: Mapping[str, Scores]
    """Whether answers are in the style that was asked about, 1 or 0, by arm."""
    beside_base: Mapping[str, Mapping[str, PassAtK]]
    """Every other arm beside the base, by set of problems and arm."""
    runs: Mapping[str, Sequence[FinishedRun]]
    """The runs of arms that train, by arm."""
    entropies: Sequence[SeedCurve]
    """Of arms that sample: on given replies an entropy is not the policy's own."""
    curricula: Mapping[str, Mapping[int, RunCurriculum]]
    """What was proposed, by arm and seed, of arms that propose; nothing of it is solved anew."""
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
    stability: Stability
    """Alarms of the runs of arms that train, and what they watch."""

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
    trials, scored = _trials(results), scores_of(results)
    layers, ranks, overlaps = _last_updates(results)
    return Findings(
        results=results,
        unfinished=unfinished,
        realised=_realised(results),
        trials=trials,
        scores=scored,
        wins=wins_of(results, scored),
        styles=styles_of(results),
        beside_base={name: _beside_base(arms) for name, arms in trials.items()},
        runs=runs,
        entropies=over_seeds(sampled, "exact") if sampled else [],
        curricula=_curricula(results),
        changes=changes,
        layers=layers,
        ranks=ranks,
        overlaps=overlaps,
        predictions=predictions_of([run for run in sampled if not _before(results, run.arm)], on_part),
        points=points,
        laws=laws_of(points) if points else [],
        stability=stability_of([run for of_arm in runs.values() for run in of_arm]),
    )


def _is_done(results: Results, cell: CellResult) -> bool:
    """Whether the cell's run has made all its steps; a cell that trains nothing is done once something is measured of it."""
    if results.experiment.arm(cell.arm).config is None:
        return bool(cell.measured)
    return bool(cell.rows) and int(cell.rows[-1]["step"]) >= results.experiment.budget.steps


def _before(results: Results, arm: str) -> int:
    """Updates behind the model that an arm's runs begin with; its recorded episodes count its own steps alone."""
    return results.experiment.arm(arm).updates_before


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
            if problems.against_start:  # its rows hold duels
                continue
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


def _curricula(results: Results) -> dict[str, dict[int, RunCurriculum]]:
    found: dict[str, dict[int, RunCurriculum]] = {}
    for cell in results.cells:
        before = _before(results, cell.arm)
        if proposals := [replace(one, step=one.step + before) for one in proposals_of_run(cell.folder)]:
            name, series = f"{cell.arm}, seed {cell.seed}", series_of(proposals, cell.rows)
            run = RunCurriculum(name=name, arm=cell.arm, proposals=proposals, series=series)
            found.setdefault(cell.arm, {})[cell.seed] = run
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
