"""The table of stages: where the seconds of a run's steps went."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ..runs.rows import read_rows
from ..runs.timings import WITHIN_COLLECT, stage_means
from .tables import print_table, say

RATES = {"sampled_tokens_per_s": "tokens sampled a second", "trained_tokens_per_s": "tokens trained a second"}
PADDING = {"sampler_padding_waste": "sampler", "learner_padding_waste": "learner"}


def print_stages(console: Console, run_dir: Path) -> None:
    """Mean seconds per step and share of every stage; nothing for a run without finished steps."""
    rows = read_rows(run_dir / "timings.jsonl")
    means = stage_means(rows)
    if not means:
        return
    cells = [
        [f"  of it {stage.name}" if stage.name in WITHIN_COLLECT else stage.name, f"{stage.mean_s:.2f}", f"{stage.share:.0%}"]
        for stage in means
    ]
    print_table(console, f"Where a step's seconds went, {_steps(rows)}", ("stage", "seconds", "share"), cells)
    parts = [f"{_median(rows, key):,.0f} {words}" for key, words in RATES.items() if _has(rows, key)]
    parts += [f"padding of the {who} {_median(rows, key):.0%}" for key, who in PADDING.items() if _has(rows, key)]
    if parts:
        say(console, "Medians: " + ", ".join(parts) + ".")
    if processor := processor_of(run_dir):
        say(console, f"Processor: {processor}.")


def processor_of(run_dir: Path) -> str:
    """The processor that a run began on, in words; empty for runs of older versions, which did not write it down."""
    path = run_dir / "machine.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["processor"]) if path.is_file() else ""


def _steps(rows: Sequence[Mapping[str, Any]]) -> str:
    """The steps that `stage_means` is over, in words."""
    if len(rows) == 1:
        return "the only step"
    return f"step {rows[1]['step']}" if len(rows) == 2 else f"mean of steps {rows[1]['step']} to {rows[-1]['step']}"


def _has(rows: Sequence[Mapping[str, Any]], key: str) -> bool:
    return any(key in row for row in rows)


def _median(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(np.median([row[key] for row in rows if key in row]))
