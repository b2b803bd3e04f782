"""A comparison of two arms that takes seconds: `python -m tests.helpers.small_comparison FOLDER` runs it, to be killed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from agents.config.game_mixes import DEDUCTION
from agents.config.run import TrainConfig
from agents.experiments.arm import Arm
from agents.experiments.cells import cells_of
from agents.experiments.designs.azr import azr
from agents.experiments.experiment import Budget, Experiment
from agents.experiments.folder import alone_in_experiment, record_experiment
from agents.experiments.grid import Grid, GridState
from agents.experiments.measure import Measure, ProblemSet

STEPS, TOKENS = 4, 150


def small(config: TrainConfig) -> TrainConfig:
    """An arm's run with one game, few episodes and no evaluation of its own."""
    games = tuple(mix for mix in config.games if mix.env_id == DEDUCTION)
    games = tuple(replace(mix, fresh=min(mix.fresh, 2), replay=min(mix.replay, 1), fixed=min(mix.fixed, 12)) for mix in games)
    return replace(
        config,
        games=games,
        steps=STEPS,
        tokens_per_step=TOKENS,
        checkpoint_every=1,
        keep_models_every=1,
        episodes_every=1,
        evaluation=replace(config.evaluation, tasks="none"),
    )


def small_comparison() -> Experiment:
    """SFT and self-play, a seed each, measured on four problems of deduction."""
    whole = azr(device="cpu", sandbox="process:hash-seeds=1+2+3+4+5+6+7+8")
    arms: list[Arm] = []
    for name in ("sft", "self-play"):
        arm = whole.arm(name)
        assert arm.config is not None
        arms.append(replace(arm, config=small(arm.config), seeds=(0,)))
    problems = ProblemSet(name="held-out", tasks="tiny", samples=4, limit=4)
    measure = Measure(sets=(problems,), validation=replace(problems, name="validation", tasks="tiny-validation"))
    return replace(whole, arms=tuple(arms), budget=Budget(steps=STEPS, tokens_per_step=TOKENS), measure=measure)


def run_small_comparison(folder: Path) -> GridState:
    """Runs it, or goes on with it."""
    experiment = small_comparison()
    with alone_in_experiment(folder):
        record_experiment(folder, experiment)
        return Grid(experiment, cells_of(experiment), folder, jobs=2, threads=1).run()


if __name__ == "__main__":
    run_small_comparison(Path(sys.argv[1]))
