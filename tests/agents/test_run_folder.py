from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from agents.errors import CheckpointError
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
        assert list(folder.iterdir()) == []
