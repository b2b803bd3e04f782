"""The display of several runs side by side."""

from __future__ import annotations

import io

from rich.console import Console

from agents.display.grid import GridView, arm_rows, said, summary
from agents.experiments.cells import cells_of
from agents.experiments.designs.azr import azr
from agents.experiments.grid import CellState, GridState


def state() -> GridState:
    """Twenty-eight cells: sft done twice, failed once, self-play training, rlvr being measured."""
    cells = [CellState(cell) for cell in cells_of(azr(), ["sft", "rlvr", "self-play"])]
    by_name = {one.cell.name: one for one in cells}
    for seed in (0, 1):
        by_name[f"sft/seed-{seed}"].status = "done"
    failed, training, measuring = (by_name[name] for name in ("sft/seed-2", "self-play/seed-0", "rlvr/seed-0"))
    failed.status, failed.reason = "failed", "selfplay: the disk is full; make [room]."
    training.status, training.stage, training.step = "running", "train", 12
    measuring.status, measuring.stage = "running", "held-out"
    for one in cells:
        one.left = 0.0 if one.status == "done" else 10.0
    return GridState(cells=cells, steps=100, jobs=2, began=0.0, now=60.0, weight_done=10.0)


def test_what_is_done_runs_and_failed_is_one_line() -> None:
    assert summary(state()) == "2 of 15 cells done, 2 running, 1 failed, about 12 min left"
    assert summary(GridState()) == "0 of 0 cells done"


def test_an_arm_is_a_row() -> None:
    assert arm_rows(state()) == [
        ["sft", "2", "0", "1", "2"],
        ["rlvr", "0", "1", "0", "4"],
        ["self-play", "0", "1", "0", "4"],
    ]


def test_a_cell_says_what_it_does() -> None:
    one = state()
    words = {cell.cell.name: said(cell, one) for cell in one.cells}
    assert words["self-play/seed-0"] == "step 12/100"
    assert words["rlvr/seed-0"] == "measuring held-out"
    assert words["sft/seed-2"] == "failed: selfplay: the disk is full; make [room]."
    assert words["sft/seed-0"].startswith("done; 2 of 15 cells done")


def test_a_pipe_gets_a_line_when_a_stage_begins_ends_or_fails() -> None:
    out = io.StringIO()
    first = state()
    with GridView(Console(file=out, width=80)) as view:
        view(first)
        view(first)  # nothing new
        training = next(one for one in first.cells if one.stage == "train")
        training.step = 13
        view(first)  # steps alone are no news
        training.status, training.stage = "done", "held-out"
        view(first)
        first.stopping = True
        view(first)
    lines = out.getvalue().splitlines()
    assert set(lines[:3]) == {
        "sft/seed-2: failed: selfplay: the disk is full; make [room].",
        "rlvr/seed-0: measuring held-out",
        "self-play/seed-0: step 12/100",
    }
    assert lines[3].startswith("self-play/seed-0: done; 3 of 15 cells done")
    assert lines[4].startswith("Stopping, and saving what is finished")
    assert len(lines) == 5


def test_the_screen_shows_arms_and_what_runs_at_any_width() -> None:
    for width in (120, 50):
        out = io.StringIO()
        console = Console(file=out, width=width, force_terminal=True, color_system=None)
        with GridView(console) as view:
            view(state())
        shown = out.getvalue()
        for words in ("self-play", "step 12/100", "measuring held-out", "2 of 15 cells done", "[room]"):
            assert words in shown
