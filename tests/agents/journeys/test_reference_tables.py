"""Every key that a run writes stands in the tables of agents/README.md, and every key there is written by some run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import agents
from agents.config.learner import LearnerConfig
from agents.config.run import TrainConfig
from agents.runs.metrics import episode_metrics
from agents.runs.rows import read_rows
from agents.training.loop import train
from selfplay_envs import Episode, Referee, ScriptedPlayer, Start, play_episodes
from tests.helpers.toys import GAME

README = (Path(agents.__file__).parent / "README.md").read_text(encoding="utf-8")
PLACES = {"ROLE/TASK": r"[a-z]\w*(/[a-z]\w*)?", "ENV": r"[A-Z]\w*/[\w-]+", "REASON": r"\w+", "TERM": r"[\w-]+", "K": r"\d+"}
"""What the capital words of a documented key stand for."""
RARE = {
    "metrics.jsonl": {
        *("ENV/excluded", "ENV/void", "micro_batch_tokens", "sync_unchecked", "refills", "dropped"),
        *("ROLE/TASK/given", "ENV/too_long", "ENV/no_gold", "ENV/gold_wrong", "ENV/unshown"),
    },
    "timings.jsonl": set[str](),
    "eval.jsonl": {
        *("problems.ENV.void", "problems.ENV.wording", "problems.ENV.unreadable"),
        *("problems.ENV.scores", "ENV/score"),
    },
}
"""Keys that these short runs have no cause to write."""


def documented(file: str) -> list[str]:
    """The keys of a file's table, as they stand there."""
    section = README.partition(f"# Keys of `{file}`")[2].partition("\n# ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def pattern(key: str) -> re.Pattern[str]:
    """What a documented key matches."""
    return re.compile("".join(PLACES.get(part, re.escape(part)) for part in re.split(rf"\b({'|'.join(PLACES)})\b", key)))


def keys_of(row: Mapping[str, Any]) -> set[str]:
    """The keys of a row; those of its problems too."""
    inner = {f"problems.{env_id}.{key}" for env_id, entry in row.get("problems", {}).items() for key in entry}
    return {*row, *inner}


@pytest.mark.parametrize("file", RARE)
def test_the_tables_are_there_and_name_no_key_twice(file: str) -> None:
    keys = documented(file)
    assert len(keys) > 5
    assert len(set(keys)) == len(keys)
    rows = [line for line in README.partition(f"# Keys of `{file}`")[2].partition("\n# ")[0].splitlines() if line[:3] == "| `"]
    assert all(line.count("|") == 5 and line.split("|")[2].strip() for line in rows)  # four columns, a meaning in each row


def quality(episodes: Iterable[Episode]) -> list[Episode]:
    """The same episodes as if a further judge had been asked, and as if the first message were void."""
    found: list[Episode] = []
    data = {"quality": 0.5, "quality_reason": "ok"}
    for episode in episodes:
        asked = [replace(one, verdict=replace(one.verdict, data=data)) for one in episode.messages]
        found.append(replace(episode, messages=(replace(asked[0], void="worker_lost"), *asked[1:])))
    return found


ARMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "ppo": {"algorithm": "ppo", "options": {"kl_coef": 0.1}},
    "steps": {"options": {"tis_cap": 2.0}, "learner": LearnerConfig(lr=3e-3, mini_batches=2)},
    "matched": {"tokens_per_step": 40},
    "adapters": {"learner": LearnerConfig(lr=3e-3, lora_rank=2, adapters="per-role"), "staleness": 1},
}


def test_every_key_is_documented_and_every_documented_key_is_written(letters_run: TrainConfig, tmp_path: Path) -> None:
    rows: dict[str, list[Mapping[str, Any]]] = {file: [] for file in RARE}
    fixed = {"games": (replace(letters_run.games[0], tasks=letters_run.evaluation.tasks, fixed=2),)}
    for name, changes in {**ARMS, "fixed": fixed}.items():
        train(replace(letters_run, steps=2, **changes), tmp_path / name)
        for file in RARE:
            rows[file] += read_rows(tmp_path / name / file)
    player = ScriptedPlayer(lambda ask: "x" if ask.slot.role == "proposer" else "ab")
    episodes = play_episodes([Start(GAME, 0, {"attempts": 2})], player, Referee("process"))
    rows["metrics.jsonl"].append(episode_metrics(quality(episodes)))
    for file, rare in RARE.items():
        known = {key: pattern(key) for key in documented(file)}
        keys = {key for row in rows[file] for key in keys_of(row)}
        assert {key for key in keys if not any(one.fullmatch(key) for one in known.values())} == set()
        assert {key for key, one in known.items() if not any(map(one.fullmatch, keys))} <= rare
        assert rare <= set(known)


def test_a_key_that_is_not_documented_would_be_found() -> None:
    known = [pattern(key) for key in documented("metrics.jsonl")]
    for key in ("solver/letters/nonsense", "nonsense", "SelfPlay/X-v0/nonsense", "solver/letters/entropy/more"):
        assert not any(one.fullmatch(key) for one in known)
