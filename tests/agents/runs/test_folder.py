from __future__ import annotations

import json
import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from agents.config.run import GameMix, TrainConfig
from agents.core.errors import AgentError, CheckpointError, RunStopped
from agents.runs.folder import (
    alone_in,
    check_config,
    checkpoints,
    choose_folder,
    find_model,
    may_change,
    newest_run,
    note_failure,
    saved_step,
)
from tests.helpers.waiting import PATIENCE_S

CONFIG = TrainConfig(games=(GameMix(env_id="SelfPlay/KuhnPoker-v0"),))


def test_a_folder_has_room_for_one_run_and_is_free_again_when_its_process_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ready, gone = multiprocessing.Event(), multiprocessing.Event()

    def hold() -> None:
        with alone_in(folder):
            ready.set()
            gone.wait(PATIENCE_S)
            os.kill(os.getpid(), signal.SIGKILL)

    holder = multiprocessing.get_context("fork").Process(target=hold)
    holder.start()
    assert ready.wait(PATIENCE_S)
    with pytest.raises(CheckpointError, match="run/ is in use by another process"), alone_in(folder):
        pass
    gone.set()
    holder.join(PATIENCE_S)
    with alone_in(folder):
        assert sorted(path.name for path in folder.iterdir()) == ["checkpoints", "episodes"]  # no file that a kill would leave


def fail_in(folder: Path, error: BaseException) -> None:
    with alone_in(folder):
        (folder / "config.json").write_text("{}")
        raise error


def test_a_folder_that_cannot_be_written_in_is_refused_before_anything_else() -> None:
    with pytest.raises(CheckpointError, match=r"out='/proc/self' cannot be a folder .*; choose another place"):
        fail_in(Path("/proc/self"), KeyError())


@pytest.mark.parametrize("was_there", [False, True])
def test_the_folder_of_a_run_that_never_began_is_free_again(tmp_path: Path, was_there: bool) -> None:
    folder = tmp_path / "run"
    if was_there:
        folder.mkdir()
        (folder / "mine.txt").touch()
    with pytest.raises(KeyError):
        fail_in(folder, KeyError("a late error"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == (["mine.txt", "run"] if was_there else [])


@pytest.mark.parametrize("error", [RunStopped("step 1: the disk is full"), KeyboardInterrupt()])
def test_a_run_that_can_be_resumed_keeps_its_folder(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        fail_in(tmp_path / "run", error)
    assert (tmp_path / "run" / "config.json").is_file()


def test_a_run_that_went_on_keeps_its_folder_whatever_happens(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(KeyError):
        fail_in(tmp_path, KeyError("a late error"))
    assert (tmp_path / "config.json").is_file()


def written_run(folder: Path, steps: tuple[int, ...] = ()) -> Path:
    """A folder as a run with checkpoints of these steps leaves it."""
    for step in steps:
        (folder / "checkpoints" / f"step_{step:06d}").mkdir(parents=True)
        (folder / "checkpoints" / f"step_{step:06d}" / "state.json").touch()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG.to_json()))
    return folder


def test_a_new_run_gets_a_free_folder_and_the_newest_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert newest_run("kuhn-tiny") is None
    assert choose_folder("kuhn-tiny") == Path("runs/kuhn-tiny")
    written_run(Path("runs/kuhn-tiny"))
    assert choose_folder("kuhn-tiny") == Path("runs/kuhn-tiny-2")
    written_run(Path("runs/kuhn-tiny-2"))
    os.utime("runs/kuhn-tiny/config.json", (2e9, 2e9))
    assert newest_run("kuhn-tiny") == Path("runs/kuhn-tiny")


def test_the_checkpoints_of_a_run_are_listed_oldest_first(tmp_path: Path) -> None:
    assert saved_step(tmp_path) == 0
    run = written_run(tmp_path / "run", (10, 5, 100))
    (run / "checkpoints" / "step_000200").mkdir()  # without state.json: not complete
    assert [path.name for path in checkpoints(run / "checkpoints")] == ["step_000005", "step_000010", "step_000100"]
    assert saved_step(run) == 100
    assert find_model(str(run)) == (str(run / "checkpoints" / "step_000100"), CONFIG)
    assert find_model("tiny") == ("tiny", None)
    (tmp_path / "new" / "checkpoints").mkdir(parents=True)
    with pytest.raises(AgentError, match="no checkpoint yet"):
        find_model(str(tmp_path / "new"))


def test_a_run_goes_on_with_the_same_config_but_for_what_may_change(tmp_path: Path) -> None:
    check_config(CONFIG, tmp_path)
    check_config(replace(CONFIG, steps=CONFIG.steps + 1), tmp_path)
    with pytest.raises(CheckpointError, match=r"another max_rows \(512 there, 7 now\)"):
        check_config(replace(CONFIG, max_rows=7), tmp_path)


def test_a_script_that_says_of_a_game_what_the_game_says_itself_goes_on(tmp_path: Path) -> None:
    for said, game in (("task", "SelfPlay/Deduction-v0"), ("pair", "SelfPlay/Induction-v0")):
        (tmp_path / said).mkdir()
        config = replace(CONFIG, games=(GameMix(env_id=game),))
        check_config(config, tmp_path / said)
        check_config(replace(config, games=(GameMix(env_id=game, novelty=said),)), tmp_path / said)
    with pytest.raises(CheckpointError, match="another games"):
        check_config(replace(config, games=(GameMix(env_id=game, novelty="task"),)), tmp_path / said)


def test_a_failure_is_noted_until_the_run_goes_on_with_what_helps(tmp_path: Path) -> None:
    check_config(CONFIG, tmp_path)
    assert may_change(tmp_path) == ()
    note_failure(tmp_path, 3, "memory", ("max_rows",))
    assert json.loads((tmp_path / "failure.json").read_text()) == {"step": 3, "kind": "memory", "may_change": ["max_rows"]}
    check_config(replace(CONFIG, max_rows=7), tmp_path)
    assert may_change(tmp_path) == ()
