"""Runs on fixed tasks: gold replies are learned, a wrong sign would be seen, and a resumed run goes on bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.config.run import GameMix, TrainConfig
from agents.runs.rows import read_rows
from agents.training.loop import train
from tests.helpers.gold_game import GOLD_GAME


@pytest.fixture
def gold_run(letters_run: TrainConfig, tmp_path: Path) -> TrainConfig:
    """Six fixed tasks, of which five have a gold reply that is right and one has a wrong one."""
    tasks = tmp_path / "gold.jsonl"
    rows: list[dict[str, Any]] = [{"letter": letter} for letter in "uvwxy"]
    rows.append({"letter": "z", "gold": "b"})
    tasks.write_text("".join(json.dumps({"env_id": GOLD_GAME, "task": row}) + "\n" for row in rows), encoding="utf-8")
    mix = GameMix(
        env_id=GOLD_GAME, kwargs={"attempts": 1}, fresh=0, replay=0, tasks=str(tasks), fixed=4, gold=1, duplicate_credit=None
    )
    evaluation = replace(letters_run.evaluation, every=0)
    return replace(letters_run, games=(mix,), algorithm="sft", steps=6, evaluation=evaluation)


def rows(config: TrainConfig, folder: Path) -> list[Mapping[str, Any]]:
    train(config, folder)
    return list(read_rows(folder / "metrics.jsonl"))


def test_sft_learns_gold_replies_without_sampling_any(gold_run: TrainConfig, tmp_path: Path) -> None:
    learned = rows(gold_run, tmp_path / "run")
    losses = [row["loss"] for row in learned]
    assert losses[-1] < 0.9 * losses[0]
    assert all(row["sampled_tokens"] == 0 for row in learned)
    assert [row["solver/letters/given"] for row in learned] == [4] * 6
    assert sum(row.get(f"{GOLD_GAME}/gold_wrong", 0) for row in learned) == 4  # once an epoch of six tasks
    assert sum(row["tokens"] for row in learned) == 20 * 4  # 24 episodes, of which 20 train `aaa` and the end
    assert learned[-1][f"{GOLD_GAME}/epoch"] == 4.0
    assert not {"approx_kl", "ratio_mean", "solver/letters/solve_rate"} & set(learned[0])


def test_a_gradient_of_the_wrong_sign_would_be_seen(
    gold_run: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents.algorithms import losses as module
    from agents.algorithms.table import ALGORITHMS

    flipped = replace(ALGORITHMS["sft"], loss=lambda *tensors, **more: -module.policy_gradient(*tensors, **more))
    monkeypatch.setitem(ALGORITHMS, "sft", flipped)
    learned = rows(gold_run, tmp_path / "run")
    nll = [row["entropy_sampled"] for row in learned]
    assert nll[-1] > 1.1 * nll[0]


def test_a_run_that_resumes_plays_the_same_tasks(gold_run: TrainConfig, tmp_path: Path) -> None:
    whole = rows(gold_run, tmp_path / "whole")
    train(replace(gold_run, steps=3), tmp_path / "halves")
    assert rows(gold_run, tmp_path / "halves") == whole


def test_rft_keeps_what_is_right_of_gold_and_samples(gold_run: TrainConfig, tmp_path: Path) -> None:
    [mix] = gold_run.games
    mixed = replace(gold_run, games=(replace(mix, kwargs={"attempts": 3}),), algorithm="rft", steps=2)
    for row in rows(mixed, tmp_path / "run"):
        assert row["solver/letters/count"] == 12
        assert row["solver/letters/given"] == 4
        assert row["sampled_tokens"] > 0
