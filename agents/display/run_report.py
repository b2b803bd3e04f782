"""What there is to see of a run's folder: its plot, and tables of its end, its evaluations and its time."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from .results import print_comparison, print_training
from .tables import say
from .timings import print_stages


def print_report(console: Console, folder: Path) -> None:
    """Plot and tables of a run's folder."""
    with console.status("drawing ..."):
        from .plots import draw_run  # late: it loads matplotlib

        plot = draw_run(folder)
    print_training(console, folder)
    print_comparison(console, folder)
    print_stages(console, folder)
    say(console, f"Plot: {plot}")
