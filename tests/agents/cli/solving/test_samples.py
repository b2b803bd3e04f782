"""Samples of several runs: every model is opened once after the other, and what one run keeps is its own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from agents.analysis.curriculum.proposals import proposals_of_run
from agents.analysis.curriculum.solved import FILE, final_model
from agents.cli.solving import one_model
from agents.cli.solving.samples import Settings, Unsolved, solve_runs
from agents.runs.folder import read_config
from tests.helpers.planted_proposals import code_task, planted, write_planted_run


def unsolved(folder: Path) -> Unsolved:
    def episodes_of(step: int, _rng: object) -> list:
        return [planted(code_task(step + place), [1, 0]) for place in range(3)]

    write_planted_run(folder, episodes_of, steps=(1, 2), model=True)
    final = final_model(folder)
    assert final is not None
    return Unsolved(config=read_config(folder), proposals=proposals_of_run(folder), final=final, kept=folder / FILE)


def test_models_are_opened_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = one_model.open_model

    def counted(name: str, *args: object, **settings: object) -> object:
        opened.append(Path(name).parent.parent.name if name != "tiny" else name)
        return real(name, *args, **settings)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(one_model, "open_model", counted)
    runs = [unsolved(tmp_path / "a"), unsolved(tmp_path / "b")]
    settings = Settings(proposals=2, attempts=2, sandbox="process", short_cuts="none")
    first = solve_runs(Console(file=io.StringIO()), runs, settings)
    assert opened == ["tiny"]  # the last models are the base by content
    assert [[one.step for one in sample] for sample in first] == [[1, 2], [1, 2]]
    assert all(run.kept.is_file() for run in runs)
    assert solve_runs(Console(file=io.StringIO()), runs, settings) == first
    assert opened == ["tiny"]
    other = Settings(proposals=2, attempts=2, seed=1, sandbox="process", short_cuts="none")
    solve_runs(Console(file=io.StringIO()), runs, other)
    assert opened == ["tiny", "tiny"]
    assert solve_runs(Console(file=io.StringIO()), runs, settings) == first


def test_no_runs_are_no_samples() -> None:
    assert solve_runs(Console(file=io.StringIO()), [], Settings(proposals=2, attempts=2)) == []
