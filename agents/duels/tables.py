"""Tables of win rates: counts and rates by subset, then what lengths and places do to them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console

from ..display.tables import print_table, say
from ..evaluation.win_rate import WinRate

COUNTS = ("subset", "counted", "wins", "ties", "losses", "rate", "95 % interval", "wins only")
CONTROL = ("subset", "equal length", "95 % interval", "length", "first place", "alike")


def print_win_rates(console: Console, title: str, rows: Sequence[WinRate]) -> None:
    """Both tables of one model, and what is not known.

    Args:
        console: Where they are printed.
        title: Who against whom.
        rows: Of all requests first.
    """
    cells = [
        [
            row.subset,
            *map(str, (row.counted, row.wins, row.ties, row.losses)),
            _share(row.rate),
            _interval(row.low, row.high),
            _share(row.wins_only),
        ]
        for row in rows
    ]
    print_table(console, title, COUNTS, cells)
    cells = [
        [
            row.subset,
            _share(row.controlled),
            _interval(row.controlled_low, row.controlled_high),
            _signed(row.length_effect),
            _signed(row.position_bias),
            _share(row.agreement),
        ]
        for row in rows
    ]
    print_table(console, "", CONTROL, cells)
    whole = rows[0]
    if whole.counted:
        say(console, f"Mean length: {whole.mean_length:,.0f} characters, the other's {whole.mean_other_length:,.0f}.")
    if whole.left_out:
        reasons = ", ".join(f"{reason} {count}" for reason, count in whole.unknown.items())
        left_out = f"{whole.left_out} of {whole.left_out + whole.counted} requests do not count"
        say(console, f"{left_out}, as a judgement is not known: {reasons}.")


def explain_win_rates(console: Console) -> None:
    """What the columns mean."""
    say(
        console,
        "Every pair is judged in both orders: a request is won or lost by both judgements together, tied where they cancel. "
        "The rate counts a tie as half a win; `wins only` counts it as none, as Language Self-Play's numbers do, and what a "
        "model has against itself is the null of either. `Equal length`: logit = theta + phi tanh(difference of lengths / "
        "its standard deviation) at a difference of 0, without AlpacaEval's difficulty per instruction, so no number of its "
        "leaderboard; `length` is phi. `First place`: from -1 to 1, how much more often the answer shown first is "
        "preferred; `alike`: share of requests judged alike in both orders. Intervals are over requests.",
    )


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _signed(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.2f}"


def _interval(low: float, high: float) -> str:
    return "-" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
