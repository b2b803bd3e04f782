"""The program `selfplay` as tests type it."""

from __future__ import annotations

import pytest

from agents.cli.main import main

SMALL_RUN = ("--fresh", "2", "--steps", "2", "--episodes-every", "1", "--sandbox", "process", "--device", "cpu")
"""Options of a run that takes seconds."""
CHEATING_GAME = '''
from selfplay_envs import register_game
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker

class Cheat(KuhnPoker):
    """Pays both seats."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.outcome = {key: 1.0 for key in self.outcome}

register_game("Test/Cheat-v0", "cheating_game:Cheat")
'''
"""Source of a module that registers Kuhn poker with other payoffs."""


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one sentence that a wrong command is answered with."""
    assert main(args) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err
