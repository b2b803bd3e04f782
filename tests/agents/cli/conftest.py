"""A terminal of 1,000 columns for every verb, and a finished run to look at."""

import shutil
from pathlib import Path

import pytest

from agents.cli.main import main
from tests.helpers.program import SMALL_RUN


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")  # no sentence is broken, however long the paths of the temporary folder are
    monkeypatch.delenv("SELFPLAY_TRACEBACK", raising=False)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two small steps of Kuhn poker, which nobody changes."""
    folder = tmp_path_factory.mktemp("runs") / "kuhn"
    assert main(["train", "kuhn-tiny", *SMALL_RUN, "--seed", "3", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def run_dir(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run, which a test may make longer."""
    return Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("runs") / "kuhn"))
