"""`selfplay envs`: every registered game with its keywords."""

import pytest

from agents.cli.main import main


def test_envs_lists_ids_roles_types_and_keywords(capsys: pytest.CaptureFixture[str]):
    assert main(["envs"]) == 0
    shown = capsys.readouterr().out
    for words in ("SelfPlay/Deduction-v0", "proposer, solver", "induction", "attempts=8", "Kuhn poker"):
        assert words in shown
