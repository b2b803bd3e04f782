"""The table of stages: where the seconds of a run's steps went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ..metrics import read_rows
from ..stages import WITHIN_COLLECT, stage_means

RATES = {"sampled_tokens_per_s": "tokens sampled a second", "trained_tokens_per_s": "tokens trained a second"}
PADDING = {"sampler_padding_waste": "sampler", "learner_padding_waste": "learner"}


def print_stages(console: Console, run_dir: Path) -> None:
    """Mean seconds per step and share of every stage; nothing for a run without finished steps."""
    rows = read_rows(run_dir / "timings.jsonl")
    means = stage_means(rows)
    if not means:
        return
    table = Table(title=f"Where a step's seconds went, mean of {max(1, len(rows) - 1)} steps", title_justify="left")
    table.add_column("stage", no_wrap=True)
    for name in ("seconds", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in means:
        within = one.name in WITHIN_COLLECT
        table.add_row(f"  of it {one.name}" if within else one.name, f"{one.mean_s:.2f}", f"{one.share:.0%}")
    console.print(table)
    parts = [f"{_median(rows, key):,.0f} {words}" for key, words in RATES.items() if _has(rows, key)]
    parts += [f"padding of the {who} {_median(rows, key):.0%}" for key, who in PADDING.items() if _has(rows, key)]
    if parts:
        console.print("Medians: " + ", ".join(parts) + ".", soft_wrap=True)


def _has(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    return any(key in row for row in rows)


def _median(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(np.median([row[key] for row in rows if key in row]))
