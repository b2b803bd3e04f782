"""Episodes of a step: fresh ones, or those that were played during the step before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.config.run import EvalConfig, TrainConfig
from agents.training.assembly import open_run
from agents.training.run import Run


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return replace(letters_run, steps=2, evaluation=EvalConfig(), staleness=1)


def texts(run: Run, step: int) -> list[str]:
    episodes, _ = run.episodes.collect(step, run.roles)
    return [turn.reply.text for episode in episodes for turn in episode.messages]


def test_what_was_played_ahead_is_the_next_step(config: TrainConfig, tmp_path: Path) -> None:
    with open_run(config, tmp_path / "ahead", lambda event: None) as run:
        run.episodes.begin_next(0)
        assert run.episodes.ahead is None  # on its way
        run.episodes.finish_next(0)
        assert run.episodes.ahead is not None
        played_ahead = texts(run, 1)
        assert run.episodes.ahead is None
    with open_run(config, tmp_path / "fresh", lambda event: None) as run:
        assert texts(run, 1) == played_ahead  # the same weights


def test_nothing_is_played_behind_the_last_step_nor_without_staleness(config: TrainConfig, tmp_path: Path) -> None:
    for name, changed, step in (("end", config, 2), ("none", replace(config, staleness=0), 0)):
        with open_run(changed, tmp_path / name, lambda event: None) as run:
            run.episodes.begin_next(step)
            run.episodes.finish_next(step)
            assert run.episodes.ahead is None


def test_what_is_on_its_way_can_be_given_up(config: TrainConfig, tmp_path: Path) -> None:
    with open_run(config, tmp_path, lambda event: None) as run:
        run.episodes.begin_next(0)
        run.episodes.stop()
        run.episodes.finish_next(0)
        assert run.episodes.ahead is None
