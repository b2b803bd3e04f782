"""Runs that are killed at any moment, and resumed until they are done, end as runs that never were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agents.config.run import EvalConfig, TrainConfig
from agents.core.errors import CheckpointError
from agents.runs.events import Event
from agents.runs.folder import checkpoints
from agents.runs.rows import read_rows
from agents.training.checkpoint import load_inflight
from agents.training.loop import train
from tests.helpers.finished_runs import assert_equal, files_of, optimizer_of


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return replace(letters_run, steps=24, lanes=2, staleness=1)


def test_twenty_kills_leave_no_trace(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config.to_json()))
    seed = int.from_bytes(os.urandom(4), "big")
    command = [sys.executable, "-m", "tests.helpers.killing", str(tmp_path), str(seed), "20"]
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], env=environment, capture_output=True, text=True, check=False, timeout=840
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-3000:]}"
    kills = json.loads(done.stdout.splitlines()[-1])
    assert len(kills) == 20
    assert all(half for plan, half in kills if plan == "bytes"), "a kill amid learner.pt leaves a half-written folder"
    whole = files_of(tmp_path / "whole")
    runs = [path for path in tmp_path.iterdir() if path.name.isdecimal()]
    assert runs
    for run in runs:
        resumed = files_of(run)
        assert [name for name in whole if resumed[name] != whole[name]] == [], f"seed {seed}, run {run.name}"
        assert_equal(optimizer_of(run), optimizer_of(tmp_path / "whole"))
        assert not list((run / "checkpoints").glob(".*"))


def test_what_a_kill_left_behind_goes_even_if_nothing_is_saved_any_more(config: TrainConfig, tmp_path: Path) -> None:
    """Killed after its last checkpoint took its name, while the one before was on its way out."""
    folder = train(config, tmp_path).parent
    kept = checkpoints(folder)
    for name in (".old_step_000002", ".new_000006"):
        (folder / name).mkdir()
    train(config, tmp_path)
    assert sorted(folder.iterdir()) == kept


def test_the_episodes_in_flight_are_part_of_a_checkpoint(config: TrainConfig, tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def kill(event: Event) -> None:
        if (event.step, event.kind) == (3, "updated"):
            raise Killed

    config = replace(config, steps=5)
    train(config, tmp_path / "whole")
    with pytest.raises(Killed):
        train(config, tmp_path / "killed", kill)
    [last] = checkpoints(tmp_path / "killed" / "checkpoints")
    episodes = load_inflight(last)
    assert episodes is not None
    assert {message.reply.policy_version for episode in episodes for message in episode.messages} == {1}
    assert any(message.reply.token_ids and message.reply.logprobs for episode in episodes for message in episode.messages)
    train(config, tmp_path / "killed")
    assert files_of(tmp_path / "killed") == files_of(tmp_path / "whole")
    assert load_inflight(checkpoints(tmp_path / "killed" / "checkpoints")[-1]) is None  # nothing is played behind the end


def test_one_step_behind_and_never_more(config: TrainConfig, tmp_path: Path) -> None:
    train(replace(config, steps=4), tmp_path)
    rows = read_rows(tmp_path / "metrics.jsonl")
    assert [row["staleness_max"] for row in rows] == [0, 1, 1, 1]
    assert [row["staleness_mean"] for row in rows] == [0, 1, 1, 1]
    assert rows[0]["approx_kl"] < 1e-8
    assert all(row["approx_kl"] > 1e-6 for row in rows[1:])  # the policy that is trained has moved on since


@pytest.mark.parametrize("lanes", [1, 3])
def test_staleness_gives_the_same_bits_twice(config: TrainConfig, tmp_path: Path, lanes: int) -> None:
    for name in "ab":
        train(replace(config, steps=3, lanes=lanes), tmp_path / name)
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_what_is_written_may_change_and_what_is_learned_may_not(config: TrainConfig, tmp_path: Path) -> None:
    short = replace(config, steps=2, evaluation=EvalConfig())
    train(short, tmp_path)
    train(replace(short, steps=3, keep_checkpoints=5, checkpoint_every=1, episodes_every=0), tmp_path)
    for change in ({"staleness": 0}, {"lanes": 1}, {"max_rows": 7}, {"schedule": "every:proposer=2"}):
        with pytest.raises(CheckpointError, match=f"another {next(iter(change))}"):
            train(replace(short, steps=4, **change), tmp_path)  # type: ignore[arg-type]
