"""A run that is asked to end saves what is finished, and ends as one that never was when it is resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.config.run import TrainConfig
from agents.learner.learner import Learner
from agents.learner.optimizer import WeightOptimizer
from agents.runs.events import Event
from agents.runs.folder import checkpoints
from agents.runs.rows import read_rows
from agents.training import checkpoint
from agents.training.interrupts import Interrupts, interruptible
from agents.training.loop import train
from tests.helpers.finished_runs import assert_equal, files_of, optimizer_of
from tests.helpers.waiting import PATIENCE_S

pytestmark = pytest.mark.usefixtures("foreground")
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return replace(letters_run, steps=5, checkpoint_every=100, lanes=2)


def interrupted(config: TrainConfig, folder: Path, step: int, kind: str, number: int = signal.SIGINT) -> list[Event]:
    """Events of a run that was sent a signal at one of them."""
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if (event.step, event.kind) == (step, kind) and not any(one.kind == "interrupted" for one in events):
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        train(config, folder, listen)
    return events


def assert_goes_on_as_if_nothing_had_been(config: TrainConfig, folder: Path, whole: Path) -> None:
    train(config, folder)
    assert files_of(folder) == files_of(whole)
    assert_equal(optimizer_of(folder), optimizer_of(whole))
    assert [row["step"] for row in read_rows(folder / "metrics.jsonl")] == list(range(1, config.steps + 1))


@pytest.mark.parametrize("staleness", [0, 1])
def test_wherever_it_is_asked_the_last_finished_step_is_saved(config: TrainConfig, tmp_path: Path, staleness: int) -> None:
    config = replace(config, staleness=staleness, learner=replace(config.learner, epochs=2), keep_models_every=3)
    train(config, tmp_path / "whole")
    kept = "models/step_000003/model/model.safetensors"
    # an update that is under way is given up; rows and weights of one that is done belong together
    done = 2 + staleness  # rounds of the next step are played while this one is finished
    for step, kind, saved in ((3, "round", done), (3, "collected", 2), (3, "updated", 3), (3, "evaluated", 3), (3, "step", 3)):
        folder = tmp_path / kind
        events = interrupted(config, folder, step, kind)
        assert [path.name for path in checkpoints(folder / "checkpoints")] == [f"step_{saved:06d}"], kind
        assert not list((folder / "checkpoints").glob(".*"))
        assert [event.kind for event in events].count("interrupted") == 1
        assert_goes_on_as_if_nothing_had_been(config, folder, tmp_path / "whole")
        assert (folder / kept).read_bytes() == (tmp_path / "whole" / kept).read_bytes(), kind


@BOTH
def test_an_update_of_several_steps_is_given_up_in_the_middle(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    config = replace(config, learner=replace(config.learner, mini_batches=2, epochs=2))
    train(config, tmp_path / "whole")
    step, calls = WeightOptimizer.step, iter(range(1 << 30))

    def sent(self: WeightOptimizer) -> dict[str, float]:
        if next(calls) == 2 * 4 + 1:  # the second of four optimiser steps of the third update
            os.kill(os.getpid(), number)
        return step(self)

    monkeypatch.setattr(WeightOptimizer, "step", sent)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run")
    monkeypatch.undo()
    assert [path.name for path in checkpoints(tmp_path / "run" / "checkpoints")] == ["step_000002"]
    assert len(read_rows(tmp_path / "run" / "metrics.jsonl")) == 2
    assert_goes_on_as_if_nothing_had_been(config, tmp_path / "run", tmp_path / "whole")


def test_before_the_first_step_is_finished_nothing_is_saved(config: TrainConfig, tmp_path: Path) -> None:
    interrupted(config, tmp_path / "run", 1, "round")
    assert not checkpoints(tmp_path / "run" / "checkpoints")
    train(config, tmp_path / "whole")
    assert_goes_on_as_if_nothing_had_been(config, tmp_path / "run", tmp_path / "whole")


def test_a_second_one_ends_it_at_once_and_leaves_nothing_half_written(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, checkpoint_every=1)
    train(config, tmp_path / "whole")
    export = checkpoint.export_model

    def slow(learner: Learner, *args: Any) -> None:
        export(learner, *args)
        if learner.policy_version == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(checkpoint, "export_model", slow)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "run")
    monkeypatch.undo()
    assert [path.name for path in checkpoints(tmp_path / "run" / "checkpoints")] == ["step_000001", "step_000002"]
    assert not list((tmp_path / "run" / "checkpoints").glob(".*"))
    assert_goes_on_as_if_nothing_had_been(config, tmp_path / "run", tmp_path / "whole")


def test_the_program_says_what_is_saved(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agents", "train", "kuhn-tiny", "--fresh", "2", "--steps", "100000", "--device", "cpu"]
    command += ["--sandbox", "process", "--out", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[3], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        while not read_rows(tmp_path / "run" / "metrics.jsonl") and program.poll() is None:
            time.sleep(0.05)
        program.send_signal(signal.SIGINT)
        output, error = program.communicate(timeout=PATIENCE_S)
    assert program.returncode == 130, error
    [saved] = checkpoints(tmp_path / "run" / "checkpoints")
    step = int(saved.name.removeprefix("step_"))
    assert step >= 1
    assert f"Interrupted. The run is saved after step {step}; to go on, type:" in output
    assert "Ctrl-C again leaves at once" in output
    assert len(read_rows(tmp_path / "run" / "metrics.jsonl")) == step


def test_what_is_held_is_not_interrupted_but_by_a_second_one() -> None:
    done: list[str] = []

    def end(number: int) -> None:
        with interrupts.held():
            with interrupts.held():
                os.kill(os.getpid(), number)
                done.append("inside")
            done.append("never")

    with interruptible(lambda: done.append("emitted")) as interrupts:
        for number in (signal.SIGTERM, signal.SIGINT):
            with pytest.raises(KeyboardInterrupt):
                end(number)
    assert done == ["emitted", "inside"]
    assert interrupts.count == 2
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_handler_of_ones_own_and_other_threads_are_left_alone() -> None:
    handler_of_ones_own = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with interruptible(lambda: None):
            assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, handler_of_ones_own)
            handler = signal.getsignal(signal.SIGTERM)
            assert getattr(handler, "__self__", None) is None
    finally:
        signal.signal(signal.SIGTERM, handler_of_ones_own)
    seen: list[Interrupts] = []

    def elsewhere() -> None:
        with interruptible(lambda: None) as interrupts:
            seen.append(interrupts)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(seen) == 1
