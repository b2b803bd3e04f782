"""Seconds of a step by stage: a clock, the row of `timings.jsonl`, and the means that `selfplay report` prints."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

STAGES = ("collect", "update", "sync", "evaluate", "checkpoint")
"""Stages of a step, one after the other. With staleness 1, `collect` is what is left to wait for after the update."""
WITHIN_COLLECT = ("generate", "verify")
"""Parts of collecting; lanes overlap them with each other, and staleness 1 with the update."""


class Clock:
    """Seconds per stage of one step; a stage that is entered twice adds up."""

    def __init__(self) -> None:
        self.stage = "collect"
        """The stage that the step is in, or was in last."""
        self.learned = False
        """Whether this step's update is done and its row is written: the step counts as finished."""
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._started = time.perf_counter()

    @contextmanager
    def __call__(self, stage: str) -> Generator[None]:
        """Counts what happens inside."""
        self.stage = stage
        started = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - started

    def row(self) -> dict[str, float]:
        """`collect_s` and so on, and `step_s` for all of the step so far."""
        return {f"{name}_s": seconds for name, seconds in self.seconds.items()} | {
            "step_s": time.perf_counter() - self._started
        }


def throughput(tokens: Mapping[str, float], seconds: Mapping[str, float]) -> dict[str, float]:
    """`sampled_tokens_per_s` and `trained_tokens_per_s`; a rate whose stage took no time is left out.

    Args:
        tokens: Under `sampled` and `trained`.
        seconds: Under `generate_s` and `update_s`.
    """
    pairs = {"sampled": "generate_s", "trained": "update_s"}
    return {f"{what}_tokens_per_s": tokens[what] / seconds[stage] for what, stage in pairs.items() if seconds[stage] > 0}


def padding_waste(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """Share of computed positions that held no token, between two states of a sampler's counts; None where it counts none."""
    grown = {name: after.get(name, 0) - before.get(name, 0) for name in after}
    slots = grown.get("prompt_slots", 0) + grown.get("reply_slots", 0)
    tokens = grown.get("prompt_tokens", 0) + grown.get("reply_tokens", 0)
    return 1.0 - tokens / slots if slots else None


@dataclass(frozen=True, slots=True)
class StageMean:
    """One stage over the steps of a run."""

    name: str
    mean_s: float
    """Mean seconds per step."""
    share: float
    """Share of the mean step."""


def stage_means(rows: Sequence[Mapping[str, Any]]) -> list[StageMean]:
    """Mean seconds per step and share of it, by stage, from the rows of `timings.jsonl`; the parts of collecting come after it.

    The first step is left out where there are others: it also loads and compiles.
    """
    rows = rows[1:] if len(rows) > 1 else rows
    if not rows:
        return []
    order = ("collect", *WITHIN_COLLECT, *STAGES[1:])
    means = {name: float(np.mean([row.get(f"{name}_s", 0.0) for row in rows])) for name in order}
    total = float(np.mean([row.get("step_s") or sum(row.get(f"{name}_s", 0.0) for name in STAGES) for row in rows]))
    means["other"] = max(0.0, total - sum(means[name] for name in STAGES))
    return [StageMean(name, mean, mean / total if total else 0.0) for name, mean in means.items()]
