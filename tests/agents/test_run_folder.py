from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from agents.errors import CheckpointError, RunStopped
from agents.run_folder import alone_in


def test_a_folder_has_room_for_one_run_and_is_free_again_when_its_process_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ready, gone = multiprocessing.Event(), multiprocessing.Event()

    def hold() -> None:
        with alone_in(folder):
            ready.set()
            gone.wait(30)
            os.kill(os.getpid(), signal.SIGKILL)

    holder = multiprocessing.get_context("fork").Process(target=hold)
    holder.start()
    assert ready.wait(30)
    with pytest.raises(CheckpointError, match="run/ is in use by another process"), alone_in(folder):
        pass
    gone.set()
    holder.join(30)
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
