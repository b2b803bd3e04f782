"""The folder of an experiment with planted numbers: effects that are there, reversed, absent, or drowned in noise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from agents.config.run import TrainConfig
from agents.experiments.designs.azr import azr
from agents.experiments.experiment import Experiment
from agents.experiments.findings.changes import TOLERANCES, ChangesAt
from agents.experiments.folder import record_experiment
from agents.tiny.folder import TINY_MODEL
from selfplay_envs import Episode, Reply, Verdict, write_episodes
from selfplay_envs.core.messages import Slot
from selfplay_envs.core.records import Turn

GAMES = ("SelfPlay/Deduction-v0", "SelfPlay/Abduction-v0", "SelfPlay/Induction-v0")
STEPS = (20, 40, 60, 80, 100)
PROGRAMS, SAMPLES = 40, 128


@dataclass(frozen=True)
class Planted:
    """Effects of all claims at once: +1 as the claims say, -1 the other way round, 0 none; and how much seeds vary."""

    effect: float = 1.0
    noise: float = 0.003
    """How much seeds and steps vary: 0.1 is as much as the effects themselves, or more."""


def write_experiment(
    out: Path, planted: Planted, arms: Sequence[str] = (), seed: int = 0, *, models: bool = False
) -> Experiment:
    """Writes the folder of the experiment `azr`.

    Args:
        out: The folder.
        planted: Its effects.
        arms: Those that are written; by default all that its core has.
        seed: Of everything that is drawn.
        models: Whether the last models are there, each the tiny model itself.
    """
    out.mkdir(parents=True, exist_ok=True)
    experiment = record_experiment(out, azr())
    rng = np.random.default_rng(seed)
    rate = np.exp(rng.uniform(np.log(0.004), np.log(0.5), (len(GAMES), PROGRAMS)))
    for arm in experiment.arms:
        if not arms or arm.name in arms:
            for number in arm.seeds:
                folder = out / arm.name / f"seed-{number}"
                _write_cell(folder, arm.name, planted, rate, rng)
                if models and arm.config is not None:
                    _link_model(folder / "models" / f"step_{STEPS[-1]:06d}", arm.config)
    return experiment


def _write_cell(folder: Path, arm: str, planted: Planted, rate: np.ndarray, rng: np.random.Generator) -> None:
    (folder / "measured").mkdir(parents=True)
    step = 0 if arm.startswith("base") else STEPS[-1]
    own = 2 * planted.noise * rng.normal(size=2)
    row = {"step": step, "problems": _answers(arm, planted, rate, rng)}
    (folder / "measured" / "held-out.json").write_text(json.dumps({"name": "held-out", "rows": [row]}))
    if step:
        _write_rows(folder, arm, planted, rng)
        _write_changes(folder, arm, planted.effect, float(own[0]))
        if arm in ("self-play", "frozen"):
            _write_proposals(folder, arm, planted.effect, float(own[1]), rng)


def _link_model(kept: Path, config: TrainConfig) -> None:
    (kept / "model").symlink_to(TINY_MODEL)
    (kept / "config.json").write_text(json.dumps(config.to_json()))


def _answers(arm: str, planted: Planted, rate: np.ndarray, rng: np.random.Generator) -> dict[str, object]:
    """Right answers, from the base's rates: self-play sharpens, better at what is easy and unable to do what is hard."""
    easy, effect, aim = rate > np.median(rate), planted.effect, rate
    if arm in ("self-play", "half-peak") and effect > 0:
        aim = easy * np.minimum(0.95, 1.7 * rate) - 0.04 * (arm == "half-peak") * easy
    elif arm in ("self-play", "half-peak") and effect < 0:
        aim = np.where(easy, 0.6 * rate, np.maximum(rate, 0.03)) + 0.06 * (arm == "half-peak")
    elif arm == "random-reward":
        aim = rate - 0.08 * effect * easy
    reached = 1 if arm == "base" else 1 + 10 * planted.noise * rng.normal()  # one seed gets further than another
    luck = 0 if arm == "base" else 0.05 * planted.noise * rng.normal()
    right = rng.binomial(SAMPLES, np.clip(rate + reached * (aim - rate) + luck * easy, 0, 1))
    programs = [f"program {place}" for place in range(PROGRAMS)]
    return {
        game: {"right": right[place].tolist(), "samples": SAMPLES, "programs": programs} for place, game in enumerate(GAMES)
    }


def _write_rows(folder: Path, arm: str, planted: Planted, rng: np.random.Generator) -> None:
    """A row of metrics per ten steps, and validation at five of them, on the law R = b - a exp(H)."""
    metrics: list[dict[str, float]] = []
    evaluations: list[dict[str, float]] = []
    given, effect = arm == "sft", planted.effect
    for step in range(10, STEPS[-1] + 1, 10):
        own = 5 * planted.noise * rng.normal(size=3)
        fall = 0.2 * effect * step / STEPS[-1] * (0.5 if arm == "frozen" else 1.0)
        solver = 0.6 - fall + own[0]
        proposer = 0.7 + (0.1 if effect > 0 else -0.2 if effect < 0 else -0.1) - fall + own[1]
        row: dict[str, float] = {
            "step": step,
            "tokens": 3_000.0,
            "optimizer_steps": 1.0,
            "sampled_tokens": 3_200,
            "entropy": solver,
        }
        for game in ("deduction", "abduction", "induction"):
            group = f"solver/{game}"
            row |= {f"{group}/count": 40, f"{group}/tokens": 700.0, f"{group}/entropy": solver, f"{group}/trained": 40}
            row |= {f"{group}/given": 40} if given else {}
            if arm in ("self-play", "half-peak"):
                row |= {f"proposer/{game}/count": 9, f"proposer/{game}/tokens": 300.0, f"proposer/{game}/entropy": proposer}
                row |= {f"proposer/{game}/trained": 9}
        row |= {f"{game}/tasks": 2_048 for game in GAMES} if arm in ("sft", "sft-tuned", "rft", "rlvr") else {}
        metrics.append(row)
        if step in STEPS:
            solved = 0.5 - 0.2 * effect * float(np.exp(solver)) + own[2]
            evaluations.append({"step": step, "all/pass@1": solved, "all/pass@8": solved + 0.2})
    for name, rows in (("metrics", metrics), ("eval", evaluations)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _write_changes(folder: Path, arm: str, effect: float, own: float) -> None:
    """Kept models that are not there, and what was measured of them."""
    rank = {"sft": -1, "rlvr": 1}.get(arm, 0)
    rows: list[dict[str, object]] = []
    for step in STEPS:
        kept = folder / "models" / f"step_{step:06d}"
        kept.mkdir(parents=True)
        (kept / "state.json").write_text(json.dumps({"step": step}))
        share = min(1.0, max(0.0, 0.5 - 0.003 * step + 0.08 * effect * rank + own))
        shares = (share,) * len(TOLERANCES)
        rows.append(asdict(ChangesAt(step=step, rms=1e-5 * step, float32=shares, bfloat16=shares, below_tenth=share / 2)))
    (folder / "measured" / "changes.json").write_text(json.dumps(rows))


def _write_proposals(folder: Path, arm: str, effect: float, own: float, rng: np.random.Generator) -> None:
    """Recorded episodes: a proposal that is right by itself, and a panel of eight."""
    (folder / "episodes").mkdir()
    for step in STEPS:
        rate = 0.5 + (0.3 * effect * step / STEPS[-1] if arm == "frozen" else 0.0) + own
        episodes = [_episode(rng.random(8) < rate) for _ in range(12)]
        write_episodes(folder / "episodes" / f"step_{step:06d}.jsonl", episodes)


def _episode(right: np.ndarray) -> Episode:
    def turn(role: str, attempt: int, score: float, tokens: int) -> Turn:
        reply = Reply(text="x", token_ids=tuple(range(tokens)), logprobs=(0.0,) * tokens)
        verdict = Verdict(valid=True, score=score)
        return Turn(
            slot=Slot(role, attempt, int(role == "solver")),
            task_type="deduction",
            prompt_id="p",
            task_id="t",
            messages=(),
            reply=reply,
            verdict=verdict,
            credit=0.0,
        )

    messages = (turn("proposer", 0, 0.0, 20), *(turn("solver", place, float(one), 6) for place, one in enumerate(right)))
    task = {"program": "def f(x):\n    return x", "inputs": ["1"], "outputs": ["1"]}
    return Episode(env_id=GAMES[0], kwargs={}, seed=0, options={}, messages=messages, outcome={}, proposed=task)
