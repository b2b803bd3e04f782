"""The folder of the experiment `lsp` with planted numbers: effects that are there, reversed, absent, or drowned in noise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from agents.experiments.designs.lsp import lsp
from agents.experiments.experiment import Experiment
from agents.experiments.folder import record_experiment
from tests.helpers.planted_experiment import Planted

GAME = "SelfPlay/InstructionChallenge-v0"
PROBLEMS, SAMPLES = 60, 16
GAINS: Mapping[str, float] = {
    "base": 0.0,
    "grpo-data": 0.30,
    "lsp-zero": 0.07,
    "lsp": 0.16,
    "lsp-then-rl": 0.42,
    "rl-then-lsp": 0.2,
    "lsp-zero-weak": 0.05,
    "lsp-weak": 0.1,
}
"""What is added to the mean score of answers where effects are there."""
STYLES = {"lsp-zero-weak": 0.9}
"""Share of answers in the style where effects are there; of all other arms 0.1, and the other way round where reversed."""


def write_lsp(out: Path, planted: Planted, arms: Sequence[str] = (), seed: int = 0) -> Experiment:
    """Writes the folder; arguments as of `write_experiment`."""
    out.mkdir(parents=True, exist_ok=True)
    experiment = record_experiment(out, lsp())
    rng = np.random.default_rng(seed)
    hard = rng.uniform(0.2, 0.5, PROBLEMS)
    for arm in experiment.arms:
        if not arms or arm.name in arms:
            for number in arm.seeds:
                folder = out / arm.name / f"seed-{number}"
                own = 2 * planted.noise * rng.normal()
                gain = planted.effect * _gain(arm.name, planted.effect) + (own if arm.config is not None else 0.0)
                _measure(folder, "held-out", _scores(np.clip(hard + gain, 0.02, 0.95), rng))
                style = 0.1 if not planted.effect else STYLES.get(arm.name, 0.1)
                if planted.effect < 0 and arm.name in ("lsp-zero-weak", "lsp-weak"):
                    style = 1 - style
                share = np.full(PROBLEMS, np.clip(style + 4 * own, 0.01, 0.99))
                _measure(folder, "style", (rng.random((PROBLEMS, SAMPLES)) < share[:, None]).astype(float))
                if arm.config is not None:
                    _rows(folder, arm.name, arm.config.steps, experiment.budget.steps // 4, rng)
    return experiment


def _gain(arm: str, effect: float) -> float:
    """Reversed, LSP ends below the base and above GRPO, below LSP-Zero, and RL after LSP below RL alone."""
    if effect > 0:
        return GAINS[arm]
    return {"lsp": 0.12, "lsp-zero": 0.05, "grpo-data": 0.16, "lsp-then-rl": 0.24}.get(arm, GAINS[arm])


def _scores(mean_P: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shares of three clauses that are met."""
    return rng.binomial(3, np.repeat(mean_P[:, None], SAMPLES, axis=1)) / 3


def _measure(folder: Path, name: str, scores_PN: np.ndarray) -> None:
    entry = {
        "right": (scores_PN == 1).sum(axis=1).tolist(),
        "samples": SAMPLES,
        "by_answer": scores_PN.round(6).tolist(),
        "programs": [f"instruction {place}" for place in range(PROBLEMS)],
    }
    path = folder / "measured" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": name, "rows": [{"step": 0, "problems": {GAME: entry}}]}))


def _rows(folder: Path, arm: str, steps: int, every: int, rng: np.random.Generator) -> None:
    """A row of metrics per step, and one of validation now and then."""
    metrics: list[dict[str, float]] = []
    evaluations: list[dict[str, float]] = []
    roles = ("solver",) if arm in ("grpo-data", "lsp-then-rl") else ("challenger", "solver")
    for step in range(1, steps + 1):
        row: dict[str, float] = {
            "step": step,
            "tokens": 2_000.0,
            "optimizer_steps": 1.0,
            "sampled_tokens": 2_200,
            "entropy": 1.2,
        }
        for role in roles:
            group = f"{role}/instruction"
            reward = (0.2 + 0.001 * step) * (1 if role == "solver" else -1) + 0.02 * rng.normal()
            row |= {f"{group}/count": 100, f"{group}/trained": 100, f"{group}/tokens": 1_000.0, f"{group}/entropy": 1.2}
            row |= {f"{group}/credit_mean": reward, f"{group}/valid_rate": 0.98, f"{group}/reply_tokens": 18.0}
            row |= {f"{group}/stop_rate": 1.0, f"{group}/score_mean": 0.2, f"{group}/kl_reference": 0.0005 * step}
        if len(roles) == 1:
            row[f"{GAME}/tasks"] = 1_024
        metrics.append(row)
        if step % every == 0:
            evaluations.append({"step": step, "all/pass@1": 0.02, "all/pass@8": 0.1, f"{GAME}/score": 0.2 + 0.0005 * step})
    for name, rows in (("metrics", metrics), ("eval", evaluations)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
