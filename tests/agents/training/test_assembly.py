"""Runs that are opened, restored and closed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.config.run import EvalConfig, GameMix, TrainConfig
from agents.runs.events import Event
from agents.runs.rows import read_rows
from agents.training.assembly import open_run
from agents.training.loop import train


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return replace(letters_run, steps=4, evaluation=EvalConfig())


def test_fixed_tasks_with_a_special_token_do_not_train_and_are_counted(config: TrainConfig, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "1 + 1", "answer": "2"}\n{"question": "2 + 2 <|end|>", "answer": "4"}\n', encoding="utf-8")
    keywords: dict[str, str | int | float | bool] = {"source": str(rows), "verifier": "numeric", "attempts": 2}
    games = (GameMix(env_id="SelfPlay/Dataset-v0", kwargs=keywords, fresh=0, replay=0, fixed=1),)
    events: list[Event] = []
    with open_run(replace(config, model="tiny", games=games), tmp_path / "run", events.append) as run:
        [start] = run.episodes.curriculum.starts(1)
        assert start.options["task"]["fields"]["question"] == "1 + 1"
        assert run.episodes.curriculum.progress(1)["SelfPlay/Dataset-v0/unshown"] == 1.0
    [sentence] = [event.data["sentence"] for event in events if event.kind == "notice"]
    assert sentence.endswith(", 1 as they hold a special token of the model.")


def test_unknown_roles_stop_before_anything_is_written(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names 'teacher'"):
        train(replace(config, schedule="frozen:teacher"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_everything_is_closed_when_a_run_ends_or_fails(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run(config, tmp_path / "run", lambda event: None) as run:
        kind = type(run.sampler)
    closed: list[int] = []
    monkeypatch.setattr(kind, "close", lambda self: closed.append(1))
    train(replace(config, steps=1), tmp_path / "ends")
    assert closed == [1]

    def fail(event: Event) -> None:
        if event.kind == "start":
            raise KeyError("callback")

    with pytest.raises(KeyError):
        train(config, tmp_path / "fails", fail)
    assert closed == [1, 1]


def test_what_was_written_after_the_newest_checkpoint_is_dropped(config: TrainConfig, tmp_path: Path) -> None:
    events: list[Event] = []

    def kill_in_step_3(event: Event) -> None:
        if (event.kind, event.step) == ("step", 3):
            raise KeyError("killed")

    with pytest.raises(KeyError):
        train(config, tmp_path, kill_in_step_3)
    assert [row["step"] for row in read_rows(tmp_path / "metrics.jsonl")] == [1, 2, 3]
    with open_run(config, tmp_path, events.append) as run:
        assert run.step == 2
        assert [row["step"] for row in read_rows(tmp_path / "metrics.jsonl")] == [1, 2]
        assert run.learner.policy_version == run.sampler.policy_version == 2
    assert [(event.kind, event.data["resumed_from"]) for event in events] == [("start", 2)]
