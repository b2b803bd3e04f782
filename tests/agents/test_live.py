"""The displays of a run: what a person sees live, and what a pipe is told."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from agents.config import EvalConfig, GameMix, TrainConfig
from agents.events import Event, EventKind
from agents.live import LiveView, RunView
from agents.live_lines import (
    PROPOSALS_SHOWN,
    cell_table,
    duration,
    proposal_line,
    recent_proposals,
    sandbox_line,
    stage_line,
    summary_line,
)
from sandboxes import SandboxStats
from selfplay_envs import Episode, Referee, ScriptedPlayer, Start, play_episode

ROW: Mapping[str, Any] = {
    "step": 1,
    "proposer/deduction/count": 2,
    "proposer/deduction/valid_rate": 0.5,
    "proposer/deduction/entropy": 0.8,
    "proposer/deduction/credit_mean": -0.25,
    "solver/deduction/count": 8,
    "solver/deduction/valid_rate": 1.0,
    "solver/deduction/solve_rate": 0.25,
    "solver/deduction/entropy": 0.4,
    "solver/deduction/credit_mean": 0.1,
    "SelfPlay/Deduction-v0/proposals": 4,
    "SelfPlay/Deduction-v0/distinct": 3,
}
TIMINGS = {"step": 1, "collect_s": 2.1, "update_s": 0.5, "checkpoint_s": 0.001}
SCORES = {"step": 0, "all/pass@1": 0.36, "all/pass@4": 0.6, "problems": {}}
CONFIG = TrainConfig(games=(GameMix(env_id="SelfPlay/Deduction-v0"),), evaluation=EvalConfig(tasks="tiny"), steps=3)


def proposal(text: str, game: str = "Deduction") -> Episode:
    said = iter([text])
    player = ScriptedPlayer(lambda ask: next(said, "```output\n1\n```"))
    return play_episode(Start(f"SelfPlay/{game}-v0", 0, {"attempts": 1}), player, Referee("process"))


GOOD = "```python\ndef f(x):\n    return x + 1\n```\n```input\n2\n```"


def event(kind: EventKind, step: int = 0, **data: Any) -> Event:
    return Event(kind=kind, step=step, data=data)


def run_events(episodes: list[Episode]) -> list[Event]:
    start = {"config": CONFIG.to_json(), "resumed_from": 0, "steps": 3, "backend": {}, "parameters": 918_656}
    return [
        event("start", **start),
        event("round", finished=10, total=20, phase="evaluate"),
        event("evaluated", scores=SCORES),
        event("round", 1, finished=1, total=4, phase="collect"),
        event("collected", 1, episodes=episodes),
        event("updated", 1, metrics={}),
        event("checkpoint", 1, path="x"),
        event("step", 1, metrics=ROW, timings=TIMINGS),
    ]


def test_a_pipe_gets_plain_lines():
    out = io.StringIO()
    with LiveView(Console(file=out, width=80), "process") as view:
        for one in run_events([]):
            view(one)
    start, held_out, step = out.getvalue().splitlines()
    assert start == "tiny (918,656 parameters), trr++, seed 0; 3 steps; sandbox process"
    assert held_out == "held-out after step 0: pass@1 0.360, pass@4 0.600"
    assert step.startswith("step 1/3, about ")
    for words in (
        "proposer: valid 0.50 entropy 0.80",
        "solver: valid 1.00 solved 0.25 entropy 0.40",
        "distinct 0.75",
        "collect 2.1, update 0.5",
    ):
        assert words in step


def test_the_screen_shows_everything_at_once():
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system=None)
    with LiveView(console, "docker") as view:
        for one in run_events([proposal(GOOD), proposal("\x1b[2Jgarbage [bold]")]):
            view(one)
    shown = out.getvalue()
    for words in (
        "sandbox docker",
        "step 1/3",
        "proposer / deduction",
        "0.25",
        "75% of this step",
        "pass@1 0.360",
        "return x + 1 <- 2",
    ):
        assert words in shown
    assert "\x1b[2J" not in shown
    assert "refused, no_program_block: \\x1b[2Jgarbage [bold]" in shown


def test_time_left_is_the_mean_step_times_the_steps_left():
    now = [0.0]
    view = RunView(clock=lambda: now[0])
    for one in run_events([])[:-1]:
        view.update(one)
    assert view.left_s is None
    now[0] = 30.0
    view.update(event("step", 1, metrics=ROW, timings=TIMINGS))
    assert view.left_s == 60.0
    assert "about 60 s left" in view.progress_line()
    now[0] = 33.0
    assert view.progress_line().endswith("collecting, 3 s")
    view.update(event("round", 2, finished=3, total=9, phase="collect"))
    assert "collecting 3/9 episodes" in view.progress_line()
    view.update(event("end", 3, path="x"))
    assert "done in 33 s" in view.progress_line()


def test_the_first_evaluation_is_announced_before_its_first_round():
    view = RunView()
    view.update(run_events([])[0])
    assert "evaluating" in view.progress_line()


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
    console.print(cell_table(row, 80))
    assert console.file.getvalue().splitlines()[2].split() == ["first", "/", "kuhn", "4", "1.00", "-", "0.50", "-", "-"]


def test_proposals_are_one_printable_line_and_games_take_turns():
    assert proposal_line(proposal(GOOD)) == "deduction: def f(x): return x + 1 <- 2"
    episodes = [proposal(GOOD), *[proposal("no", "Abduction")] * 9]
    lines = recent_proposals(episodes)
    assert len(lines) == PROPOSALS_SHOWN
    assert lines[1].startswith("deduction")
    kuhn = play_episode(Start("SelfPlay/KuhnPoker-v0", 0), ScriptedPlayer(lambda ask: ""), Referee())
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


def test_the_screen_asks_the_sandbox_while_it_works():
    asked = iter([SandboxStats(), SandboxStats(jobs=1, statuses={"ok": 7}, busy_s=1.0)])
    view = RunView(stats=lambda: next(asked))
    console = Console(file=io.StringIO(), width=120)
    console.print(view)
    assert "sandbox: " not in console.file.getvalue()
    console.print(view)
    assert "sandbox: 7 calls, 7 a second" in console.file.getvalue()
