"""Every registered game passes the conformance suite; and the suite notices games that break their promises."""

import subprocess
import sys
from pathlib import Path

import pytest

import selfplay_envs
from selfplay_envs import Verdict, register_game
from selfplay_envs.checking import check_game
from selfplay_envs.games.kuhn import KuhnPoker


@pytest.mark.parametrize("attempts", [1, 4, 8])
@pytest.mark.parametrize("env_id", [env_id for env_id in selfplay_envs.game_ids() if env_id.startswith("SelfPlay/")])
def test_every_game_conforms(env_id, attempts):
    results = check_game(env_id, attempts=attempts, pettingzoo=True)
    assert [f"{r.name}: {r.detail}" for r in results if not r.ok] == []
    assert {"gymnasium_check", "lanes_equal_sequence", "replays", "pettingzoo_check"} <= {r.name for r in results}


class Clockwork(KuhnPoker):
    """Broken on purpose: the deal comes from a counter instead of the generator."""

    deals = 0

    def reset(self, rng, options):
        Clockwork.deals += 1
        super().reset(rng, {"task": {"cards": [["J", "Q"], ["K", "J"]][Clockwork.deals % 2]}})


class Generous(KuhnPoker):
    """Broken on purpose: pays out chips that nobody lost."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.outcome["first", slot.attempt] = 5.0


class Forgetful(KuhnPoker):
    """Broken on purpose: the second seat's messages earn nothing."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.credit = {where: value for where, value in self.credit.items() if where.role != "first"}


class Moody(KuhnPoker):
    """Broken on purpose: the verdict depends on how often it was asked."""

    asked = 0

    def judge(self, slot, text, finish_reason):
        Moody.asked += 1
        yield from ()
        return Verdict(valid=Moody.asked % 2 == 0, reason="mood", data={"action": "check"})


@pytest.mark.parametrize(
    ("game", "fails"),
    [
        (Clockwork, "determinism"),
        (Generous, "credits_complete"),
        (Forgetful, "credits_complete"),
        (Moody, "lanes_equal_sequence"),
    ],
)
def test_the_suite_notices_a_broken_game(game, fails):
    env_id = f"Broken/{game.__name__}-v0"
    register_game(env_id, f"{__name__}:{game.__name__}")
    assert fails in {r.name for r in check_game(env_id, pettingzoo=False) if not r.ok}


SCRIPT = """
import json, numpy as np
from selfplay_envs import *
from selfplay_envs.parsing import fence
said = [fence("python", "def f(x):\\n    return sorted({'b', 'a', x})") + "\\n" + fence("input", "'c'")]
said += [fence("output", "['a', 'b', 'c']"), fence("output", "1")]
for env_id in ("SelfPlay/Deduction-v0", "SelfPlay/KuhnPoker-v0", "SelfPlay/InstructionChallenge-v0"):
    texts = iter(said * 20)
    referee = Referee("process:hash-seeds=1+2+3+4+5+6+7+8")
    episode = play_episode(Start(env_id, 7, {"attempts": 2}), ScriptedPlayer(texts), referee)
    print(json.dumps(episode.to_json()))
"""


def test_two_processes_with_different_hash_seeds_give_identical_episodes():
    root = Path(__file__).parents[2]
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert '"ok"' in runs[0]
