"""A newcomer's hour in seconds: with a folder and the program alone, a game of one's own is checked, trained, measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.runs.rows import read_rows
from selfplay_envs import read_episodes

ROOT = Path(__file__).parents[3]

GAME = '''
"""A setter names a small number; solvers name a larger one."""

from selfplay_envs import Game, Message, Slot, Verdict, no_requests, register_game
from selfplay_envs.rewards.learnability import SolveStats, find_learnability
from selfplay_envs.replies.parsing import bodies, fence

SETTER = Slot("setter", 0, 0)


class Larger(Game):
    """The setter names a number, the solvers a larger one."""

    roles, task_type = ("setter", "solver"), "larger"

    def __init__(self, *, attempts: int = 2, highest: int = 9, learnability: str = "one_minus"):
        super().__init__(attempts=attempts)
        self.highest, self.learnability = highest, find_learnability(learnability)

    def reset(self, rng, options):
        self.number, self.right = (options.get("task") or {}).get("number"), []

    def pending(self):
        if SETTER in self.credit or self.right:
            return ()
        return (SETTER,) if self.number is None else tuple(Slot("solver", i, 1) for i in range(self.attempts))

    def prompt(self, slot):
        asked = "Name a number." if slot.role == "setter" else f"Name a number above {self.number}."
        return (Message("user", asked + "\\n" + fence("number", "...")),)

    def judge(self, slot, text, finish_reason):
        word = (bodies(text, "number") or [""])[-1].strip()
        valid = word.isascii() and word.isdigit() and len(word) < 4 and int(word) <= self.highest
        number = int(word) if valid else -1
        right = slot.role == "solver" and number > (self.number or 0)
        return no_requests(Verdict(valid=valid, reason="ok" if valid else "no_number", score=float(right), data={"n": number}))

    def apply(self, slot, text, verdict):
        if slot.role == "setter" and verdict.valid:
            self.number = verdict.data["n"]
            return
        self.credit[slot] = self.outcome[slot.role, slot.attempt] = verdict.score if verdict.valid else -len(text) / 1000
        if slot.role == "solver":
            self.right.append(verdict.score == 1.0)

    def settle(self):
        if len(self.right) == self.attempts:
            paid = self.learnability(SolveStats(sum(self.right), self.attempts))
            self.credit[SETTER] = self.outcome["setter", 0] = paid
        return
        yield []

    @property
    def proposed(self):
        return None if self.number is None else {"number": self.number}

    def sample_action(self, slot, rng):
        return fence("number", str(rng.integers(0, self.highest)))


register_game("Mine/Larger-v0", "larger:Larger")
'''

PARTS = '''
"""A judge, a proposer's reward, a shaper and an algorithm of one's own."""

from agents.algorithms.table import ALGORITHMS
from dataclasses import replace
from selfplay_envs import Score


class Lengths:
    """Scores an answer by its length."""

    def __init__(self, most: int = 100):
        self.most = most

    def score(self, items):
        return [Score(values=tuple(min(1.0, len(one) / self.most) for one in item.answers)) for item in items]


def half(stats):
    """Always a half."""
    return 0.5


def bonus(episodes):
    """A tenth for every message."""
    return {(i, k): 0.1 for i, episode in enumerate(episodes) for k, _ in enumerate(episode.messages)}


MINE = replace(ALGORITHMS["reinforce"], name="mine")
'''

TOML = """
steps = 2
algorithm = "parts:MINE"
judge = "parts:Lengths:most=50"
shapers = ["parts:bonus"]
episodes_every = 1
device = "cpu"
sandbox = "process"
short_cuts = "none"  # two processes are compared to the bit

[[games]]
env_id = "larger:Mine/Larger-v0"
kwargs = { attempts = 2, learnability = "parts:half" }
fresh = 4

[sampling]
max_new_tokens = 8

[evaluation]
tasks = "my.jsonl"
samples = 2
sampling = { max_new_tokens = 8 }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a game of one's own, parts of one's own, a file of settings and one of tasks; nothing is installed."""
    (tmp_path / "larger.py").write_text(GAME)
    (tmp_path / "parts.py").write_text(PARTS)
    (tmp_path / "my.toml").write_text(TOML)
    rows = [{"env_id": "larger:Mine/Larger-v0", "task": {"number": number}} for number in (1, 2, 3)]
    (tmp_path / "my.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


TYPED = """
import sys
from agents.cli.main import main
for line in sys.stdin.read().splitlines():
    print("$ selfplay", line, flush=True)
    if code := main(line.split()):
        sys.exit(code)
"""


def selfplay(folder: Path, *commands: str) -> list[str]:
    """Types commands in that folder, in a terminal of 80 columns and in one new process; what each printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(
        [sys.executable, "-c", TYPED],
        cwd=folder,
        env=environment,
        input="\n".join(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.split("$ selfplay ")[1:]


def test_a_game_of_one_s_own_is_checked_trained_and_measured_beside_the_base(folder: Path):
    checked, trained = selfplay(
        folder, "check larger:Mine/Larger-v0 --attempts 2", "train --config my.toml --steps 3 --game-kwargs highest=99"
    )
    assert "checks hold" in checked
    assert "step 3/3" in trained
    assert "selfplay train --out runs/my --resume --steps 6" in trained
    config = json.loads((folder / "runs/my/config.json").read_text())
    assert config["games"][0]["kwargs"] == {"attempts": 2, "learnability": "parts:half", "highest": 99}
    episodes = [one for step in (1, 2, 3) for one in read_episodes(folder / f"runs/my/episodes/step_{step:06d}.jsonl")]
    assert {played.shaped for one in episodes for played in one.messages} == {0.1}
    assert {one.backend["judge"] for one in episodes} == {"parts:Lengths:most=50"}
    before, after = read_rows(folder / "runs/my/eval.jsonl")
    assert [len(row["problems"]["Mine/Larger-v0"]["right"]) for row in (before, after)] == [3, 3]

    measured, resumed, replayed, played = selfplay(
        folder,
        "eval tiny runs/my --tasks my.jsonl --json scores.jsonl --short-cuts none",
        "train --out runs/my --resume --steps 4",
        "replay runs/my",
        "play larger:Mine/Larger-v0 --role none --model runs/my --max-new-tokens 8 --sandbox process",
    )
    for words in ("1  tiny", "2  runs/my, step 3", "pass@1", "pass@2", "gain"):
        assert words in measured
    # the base beside the run is the run before its first step, and the run is what it was after its last one
    assert [row["problems"] for row in read_rows(folder / "scores.jsonl")] == [row["problems"] for row in (before, after)]
    assert "resumed after step 3" in resumed
    assert "Every credit reproduced" in replayed
    assert "runs/my plays setter and solver" in played
