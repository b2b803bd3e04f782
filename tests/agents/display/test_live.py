"""The displays of a run: the live screen, and the lines of a pipe."""

import io

from rich.console import Console

from agents.display.live import LiveView, RunView
from sandboxes import SandboxStats
from tests.helpers.run_events import GOOD, ROW, TIMINGS, event, proposal, run_events


def test_a_pipe_gets_plain_lines():
    out = io.StringIO()
    with LiveView(Console(file=out, width=80), "process") as view:
        for item in run_events([]):
            view(item)
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
        for item in run_events([proposal(GOOD), proposal("\x1b[2Jgarbage [bold]")]):
            view(item)
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
    for item in run_events([])[:-1]:
        view.update(item)
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


def test_the_screen_asks_the_sandbox_while_it_works():
    counts = iter([SandboxStats(), SandboxStats(jobs=1, statuses={"ok": 7}, busy_s=1.0)])
    view = RunView(stats=lambda: next(counts))
    console = Console(file=io.StringIO(), width=120)
    console.print(view)
    assert "sandbox: " not in console.file.getvalue()
    console.print(view)
    assert "sandbox: 7 calls, 7 a second" in console.file.getvalue()


def test_a_run_that_is_not_measured_before_its_first_step_begins_with_collecting() -> None:
    for before, phase in ((True, "evaluating"), (False, "collecting")):
        first = run_events([])[0]
        evaluation = {**first.data["config"]["evaluation"], "before": before}
        config = {**first.data["config"], "evaluation": evaluation}
        view = RunView()
        view.update(event("start", **{**first.data, "config": config}))
        assert view.phase == phase
