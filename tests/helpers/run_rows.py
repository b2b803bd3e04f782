"""Rows of a run's files, made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agents.config.run import GameMix, TrainConfig


def metrics_row(step: int) -> dict[str, Any]:
    row: dict[str, Any] = {"step": step, "SelfPlay/Deduction-v0/proposals": 4, "SelfPlay/Deduction-v0/distinct": 2}
    for group, count, solved in (("proposer/deduction", 2, 0.0), ("solver/deduction", 4, 0.5), ("solver/abduction", 12, 0.25)):
        row |= {
            f"{group}/count": count,
            f"{group}/valid_rate": 1.0,
            f"{group}/credit_mean": step / 10,
        }
        if not group.startswith("proposer"):  # the only role here that answers nothing
            row[f"{group}/solve_rate"] = solved
        row |= {f"{group}/entropy": 0.5}
    return row


def eval_row(step: int, right: list[int], samples: int = 4) -> dict[str, Any]:
    entry = {"right": right, "samples": samples}
    rate = sum(right) / len(right) / samples
    return {
        "step": step,
        "SelfPlay/Deduction-v0/pass@1": rate,
        "all/pass@1": rate,
        "problems": {"SelfPlay/Deduction-v0": entry},
    }


def write_run(folder: Path) -> Path:
    """A run's folder with a config, seven steps of metrics and two evaluations."""
    (folder / "episodes").mkdir(parents=True)
    config = TrainConfig(games=(GameMix(env_id="SelfPlay/Deduction-v0"),))
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(metrics_row(step)) + "\n" for step in range(1, 8)))
    rows = [eval_row(0, [0, 1, 0, 2] * 20), eval_row(7, [1, 2, 1, 3] * 20)]
    (folder / "eval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder
