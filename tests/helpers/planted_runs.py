"""Rows of runs of self-play with the noise of real ones: healthy, or with a change that begins at a known step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agents.analysis.finished_runs import FinishedRun
from agents.config.run import GameMix, TrainConfig
from agents.runs.columns import Row

GAMES = ("deduction", "abduction", "induction")
PROPOSALS, PANEL = 8, 8
"""Fresh episodes per game and step, and answers to a task."""
EVALUATED = 20
Change = Callable[[float, int], float]
"""A level of health and a step give the level that is planted."""


@dataclass(frozen=True, kw_only=True)
class Plant:
    """Changes by quantity and role, such as `("distinct", "proposer")`; all else is healthy."""

    changes: Mapping[tuple[str, str], Change] = field(default_factory=dict[tuple[str, str], Change])
    steps: int = 100
    seed: int = 0


def planted_run(plant: Plant = Plant()) -> FinishedRun:
    """A run in memory."""
    rng = np.random.default_rng([plant.seed, 7])
    rows = [_row(plant, step, rng) for step in range(1, plant.steps + 1)]
    evaluations = [_evaluation(plant, step, rng) for step in range(0, plant.steps + 1, EVALUATED)]
    return run_of(rows, evaluations, seed=plant.seed)


def run_of(rows: Sequence[Row], evaluations: Sequence[Row] = (), seed: int = 0) -> FinishedRun:
    """A run of these rows."""
    return FinishedRun(
        name=f"planted-{seed}",
        arm="planted",
        folder=Path(f"planted-{seed}"),
        config=TrainConfig(games=(GameMix(env_id="SelfPlay/Deduction-v0"),), seed=seed),
        rows=rows,
        evaluations=evaluations,
    )


def _level(plant: Plant, what: str, role: str, step: int, healthy: float) -> float:
    change = plant.changes.get((what, role))
    return healthy if change is None else change(healthy, step)


def _row(plant: Plant, step: int, rng: np.random.Generator) -> dict[str, Any]:
    """What a step of `azr-tiny` writes, as far as it is watched: answers get better and surer, proposals harder."""
    done = 1 - float(np.exp(-step / 40))  # most happens early
    row: dict[str, Any] = {"step": step, "no_signal": _level(plant, "no signal", "", step, 0.0)}
    both = {"stopped": 0.98, "KL": 0.12 * done}
    proposer = {"valid": 0.6 + 0.3 * done, "entropy": 0.8 - 0.3 * done, "length": 45 - 12 * done, "credit": 0.35 - 0.1 * done}
    solver = {"valid": 0.97, "entropy": 0.6 - 0.35 * done, "length": 24 - 6 * done, "solved": 0.45 + 0.2 * done}
    for game in GAMES:
        row |= _group(plant, step, rng, f"proposer/{game}", {**both, **proposer})
        row |= _group(plant, step, rng, f"solver/{game}", {**both, **solver})
        valid = int(row[f"proposer/{game}/valid_rate"] * PROPOSALS)
        distinct = _level(plant, "distinct", "proposer", step, 0.95)
        row |= {f"{game}/proposals": valid, f"{game}/distinct": min(valid, 1 + int(rng.binomial(max(0, valid - 1), distinct)))}
    return row


def _group(plant: Plant, step: int, rng: np.random.Generator, group: str, levels: Mapping[str, float]) -> dict[str, float]:
    role = group.partition("/")[0]
    levels = {what: _level(plant, what, role, step, level) for what, level in levels.items()}
    count = PROPOSALS if role == "proposer" else PROPOSALS * PANEL
    tasks = PROPOSALS  # answers to one task are alike, so that their mean varies as that of few
    row = {
        "count": count,
        "tokens": count * levels["length"],
        "valid_rate": rng.binomial(count, levels["valid"]) / count,
        "stop_rate": rng.binomial(count, levels["stopped"]) / count,
        "reply_tokens": levels["length"] * rng.lognormal(0, 0.15),
        "entropy": levels["entropy"] * rng.lognormal(0, 0.1),
        "kl_reference": levels["KL"] * rng.lognormal(0, 0.15),
    }
    if role == "solver":
        solved = rng.binomial(2 * tasks, levels["solved"]) / (2 * tasks)
        row |= {"solve_rate": solved, "score_mean": solved, "credit_mean": solved}
    else:
        row |= {"score_mean": 0.0, "credit_mean": levels["credit"] + 0.1 * rng.normal()}
    return {f"{group}/{name}": float(value) for name, value in row.items()}


def _evaluation(plant: Plant, step: int, rng: np.random.Generator) -> dict[str, Any]:
    healthy = 0.3 + 0.12 * (1 - float(np.exp(-step / 40)))
    rate = _level(plant, "held-out", "", step, healthy) + 0.012 * rng.normal()
    return {"step": step, "all/pass@1": rate, "problems": {}}
