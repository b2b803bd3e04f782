"""Runs of the letters game whose recorded episodes hold tokens, made without a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from selfplay_envs import Episode, PendingPrompt, Referee, Reply, Start, play_episodes, register_game, write_episodes
from tests.helpers.toys import GAME, LETTERS, SPECIAL


def played_with_tokens(seed: int, episodes: int, *, start: int = 0) -> list[Episode]:
    """Episodes of a proposer and a panel of three; each says two letters or three, many an `a`, with log-probabilities."""
    register_game(GAME, "tests.helpers.toys:Letters")
    rng = np.random.default_rng(seed)

    def act(prompts: list[PendingPrompt]) -> Sequence[Reply]:
        return [_reply("".join(rng.choice(list("aabc"), rng.integers(2, 4))), rng) for _ in prompts]

    starts = [Start(GAME, start + number, {"attempts": 3}) for number in range(episodes)]
    return play_episodes(starts, act, Referee("process"))


def _reply(text: str, rng: np.random.Generator) -> Reply:
    ids = tuple(len(SPECIAL) + LETTERS.index(letter) for letter in text)
    logprobs = tuple(-rng.exponential(1.0, len(ids)).round(3))
    return Reply(text=text, prompt_ids=(2, 4, 5), token_ids=ids, logprobs=tuple(map(float, logprobs)))


def write_token_run(
    folder: Path,
    *,
    seed: int = 0,
    steps: Sequence[int] = (1, 2, 3, 4),
    entropies: Sequence[float] = (1.0, 0.9, 0.85, 0.7, 0.6),
    evaluations: Sequence[dict[str, Any]] = (),
    **settings: Any,
) -> Path:
    """The folder of a run: its config, a row of metrics per entropy, recorded episodes of some steps."""
    (folder / "episodes").mkdir(parents=True)
    keywords: dict[str, Any] = {
        "games": (GameMix(env_id=GAME, kwargs={"attempts": 3}),),
        "algorithm": "trr++",
        "sampling": Sampling(max_new_tokens=8),
        "seed": seed,
    }
    config = TrainConfig(**{**keywords, **settings})
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    rows = [{"step": step, "entropy": value, **_groups(value)} for step, value in enumerate(entropies, 1)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "eval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in evaluations))
    for step in steps:
        episodes = played_with_tokens(100 * seed + step, 6, start=step)
        write_episodes(folder / "episodes" / f"step_{step:06d}.jsonl", episodes, tokens=True)
    return folder


def _groups(value: float) -> dict[str, float]:
    return {
        f"{role}/letters/{what}": number
        for role, share in (("proposer", 1.2), ("solver", 0.9))
        for what, number in (("count", 6), ("tokens", 15.0), ("entropy", share * value))
    }
