"""Recorded episodes of proposals that are planted: whatever is proposed, and whether each of its panel solves it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.tiny.folder import TINY_MODEL
from selfplay_envs import Episode, Reply, Verdict, write_episodes
from selfplay_envs.core.messages import Slot
from selfplay_envs.core.records import Turn

CODE, CHALLENGE = "SelfPlay/Deduction-v0", "SelfPlay/InstructionChallenge-v0"
PANEL = 8


def code_task(number: int = 1) -> dict[str, Any]:
    """A program of its own for every number, all of one shape."""
    return {"program": f"def f(x):\n    return x + {number}", "inputs": ["1"], "outputs": [str(1 + number)]}


def planted(
    task: Mapping[str, Any] | None,
    scores: Sequence[float] = (),
    *,
    env_id: str = CODE,
    tokens: int = 0,
    void: Sequence[str] = (),
    text: str = "proposal",
    answers: Sequence[str] = (),
) -> Episode:
    """An episode: a proposal, and answers with these scores.

    Args:
        task: What is proposed; None: the proposal is not valid.
        scores: Of the verdicts on answers, all valid.
        env_id: The game.
        tokens: Of the proposal; answers have half of them; 0: none are recorded.
        void: Why messages are void, in their order; empty: they are not.
        text: Of the proposal.
        answers: Texts of the answers; empty: all are `answer`.
    """
    role, kind = ("proposer", "deduction") if env_id == CODE else ("challenger", "instruction")
    reasons = [*void, *[""] * (1 + len(scores))]
    first = _turn(Slot(role, 0, 0), kind, text, Verdict(valid=task is not None), tokens, reasons[0])
    texts = answers or ["answer"] * len(scores)
    panel = [
        _turn(Slot("solver", place, 1), kind, text, Verdict(valid=True, score=score), tokens // 2, reasons[1 + place])
        for place, (score, text) in enumerate(zip(scores, texts, strict=True))
    ]
    return Episode(env_id=env_id, kwargs={}, seed=0, options={}, messages=(first, *panel), outcome={}, proposed=task)


def _turn(slot: Slot, kind: str, text: str, verdict: Verdict, tokens: int, void: str) -> Turn:
    reply = Reply(text=text, token_ids=tuple(range(tokens)), logprobs=(0.0,) * tokens)
    return Turn(
        slot=slot,
        task_type=kind,
        prompt_id="p",
        task_id="t",
        messages=(),
        reply=reply,
        verdict=verdict,
        credit=0.0,
        void=void,
    )


def panel(rate: float, rng: np.random.Generator) -> list[float]:
    """Scores of a panel, each of which solves it with that chance."""
    return [float(one) for one in rng.random(PANEL) < rate]


def write_planted_run(
    folder: Path,
    episodes_of: Callable[[int, np.random.Generator], Sequence[Episode]],
    *,
    seed: int = 0,
    steps: Sequence[int] = tuple(range(10, 101, 10)),
    env_id: str = CODE,
    model: bool = False,
) -> Path:
    """The folder of a run with recorded episodes.

    Args:
        folder: It.
        episodes_of: Those of a step.
        seed: Of the run, and of what is drawn.
        steps: Those that are recorded.
        env_id: Its game.
        model: Whether the tiny model itself is kept as its last one.
    """
    (folder / "episodes").mkdir(parents=True)
    config = TrainConfig(
        games=(GameMix(env_id=env_id, kwargs={"attempts": PANEL, "style": "terse"}),),
        algorithm="trr++",
        model="tiny",
        sampling=Sampling(max_new_tokens=32),
        sandbox="process",
        seed=seed,
    )
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    role = "proposer/deduction" if env_id == CODE else "challenger/instruction"
    rows = [{"step": step, f"{role}/count": 4, f"{role}/reply_tokens": 20.0 + step} for step in steps]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rng = np.random.default_rng([seed, 99])
    for step in steps:
        write_episodes(folder / "episodes" / f"step_{step:06d}.jsonl", episodes_of(step, rng), tokens=True)
    if model:
        kept = folder / "models" / f"step_{steps[-1]:06d}"
        kept.mkdir(parents=True)
        (kept / "model").symlink_to(TINY_MODEL)
        (kept / "config.json").write_text(json.dumps(config.to_json()))
        (kept / "state.json").write_text(json.dumps({"step": steps[-1]}))
    return folder
