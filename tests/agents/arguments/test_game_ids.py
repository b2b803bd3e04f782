"""Ids of games as they are typed: short names, and modules of the current folder."""

import sys
from pathlib import Path

import pytest

from agents.arguments.game_ids import allow_local_modules, full_game_id, resolve_game
from selfplay_envs import UsageError

GAME = """
from selfplay_envs import register_game

register_game("Test/InFolder-v0", "selfplay_envs.games.zero_sum.kuhn:KuhnPoker")
"""


def test_short_names_are_resolved():
    assert resolve_game("kuhnpoker") == full_game_id("KuhnPoker") == "SelfPlay/KuhnPoker-v0"
    with pytest.raises(UsageError, match="game='Kuhn'"):
        resolve_game("Kuhn")


def test_a_module_of_the_current_folder_is_imported_and_stays_in_the_full_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "folder_game.py").write_text(GAME)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert full_game_id("folder_game:Test/InFolder-v0") == "folder_game:Test/InFolder-v0"
    assert resolve_game("folder_game:Test/InFolder-v0") == "Test/InFolder-v0"
    allow_local_modules()
    assert sys.path.count(str(tmp_path)) == 1
