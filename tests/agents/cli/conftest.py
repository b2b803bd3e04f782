"""A terminal of 160 columns for every verb, and a finished run to look at."""

from pathlib import Path

import pytest

from agents.cli.main import main
from tests.helpers.program import SMALL_RUN


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("SELFPLAY_TRACEBACK", raising=False)


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two small steps of Kuhn poker; tests may make it longer."""
    folder = tmp_path_factory.mktemp("runs") / "kuhn"
    assert main(["train", "kuhn-tiny", *SMALL_RUN, "--seed", "3", "--out", str(folder)]) == 0
    return folder
