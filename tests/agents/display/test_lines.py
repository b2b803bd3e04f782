"""Lines of a run's numbers: steps, stages, sandbox, proposals."""

import io

import pytest
from rich.console import Console

from agents.display.lines import (
    PROPOSALS_SHOWN,
    duration,
    group_table,
    proposal_line,
    recent_proposals,
    sandbox_line,
    stage_line,
    summary_line,
)
from sandboxes import SandboxStats
from selfplay_envs import Referee, ScriptedPlayer, Start, play_episode
from tests.helpers.run_events import GOOD, TIMINGS, proposal


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (7260, "2 h 1 min")]
)
def test_durations_are_for_people(seconds: float, text: str):
    assert duration(seconds) == text


def test_short_stages_are_left_out():
    assert stage_line(TIMINGS) == "seconds: collect 2.1, update 0.5"
    assert stage_line({}) == "seconds: none"


def test_roles_without_a_solver_have_no_solve_rate():
    row = {
        "step": 1,
        "first/kuhn/count": 4,
        "first/kuhn/valid_rate": 1.0,
        "first/kuhn/credit_mean": 0.5,
    }
    assert summary_line(row) == "first: valid 1.00 credit 0.50"
    console = Console(file=io.StringIO(), width=80)
    console.print(group_table(row, 80))
    assert console.file.getvalue().splitlines()[2].split() == ["first", "/", "kuhn", "4", "1.00", "-", "0.50", "-", "-"]


def test_proposals_are_one_printable_line_and_games_take_turns():
    assert proposal_line(proposal(GOOD)) == "deduction: def f(x): return x + 1 <- 2"
    episodes = [proposal(GOOD), *[proposal("no", "Abduction")] * 9]
    lines = recent_proposals(episodes)
    assert len(lines) == PROPOSALS_SHOWN
    assert lines[1].startswith("deduction")
    kuhn = play_episode(Start("SelfPlay/KuhnPoker-v0", 0), ScriptedPlayer(lambda prompt: ""), Referee())
    assert proposal_line(kuhn) is None


def test_the_sandbox_is_told_in_one_line():
    stats = SandboxStats(
        jobs=9,
        statuses={"ok": 1200, "timeout": 3},
        busy_s=0.5,
        queued=5,
        running=2,
        cache_hits=1,
        cache_misses=3,
        lost=2,
        requeued=2,
    )
    assert sandbox_line(stats) == (
        "sandbox: 1,203 calls, 2,406 a second, 5 jobs wait, 2 run; cache answers 25%; "
        "2 workers lost, 2 jobs sent again; timeout 3"
    )
    assert sandbox_line(SandboxStats(jobs=1)) == "sandbox: 0 calls, 0 a second, 0 jobs wait, 0 run"
