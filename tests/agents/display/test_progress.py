"""How far a piece of work is, and the time that is left."""

from __future__ import annotations

import io

from rich.console import Console

from agents.display.progress import WorkProgress


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_is_that_of_what_is_newly_done() -> None:
    clock = Clock()
    console = Console(file=io.StringIO(), width=80)
    with WorkProgress(console, "tiny", 800, "answers", clock) as progress:
        progress.add(400, 0)
        assert progress.said == "400 of 800 answers"
        clock.now += 10
        progress.add(0, 100)
        assert progress.said == "500 of 800 answers, about 30 s left"  # 100 in 10 s
        clock.now += 5
        progress.add(0, 50)  # soon after the line before
        clock.now += 600
        progress.add(0, 50)
        progress.add(0, 200)
    assert (progress.done, progress.new) == (800, 400)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines == ["tiny: 500 of 800 answers, about 30 s left", "tiny: 600 of 800 answers, about 10 min left"]


def test_a_terminal_shows_a_bar_that_goes_away() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with WorkProgress(console, "tiny", 8, "answers") as progress:
        progress.add(3, 1)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "4 of 8 answers" in shown
    assert shown.rstrip().endswith("\x1b[2K")  # the line is cleared
