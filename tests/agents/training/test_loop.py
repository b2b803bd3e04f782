from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.config.learner import LearnerConfig
from agents.config.run import EvalConfig, GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.core.errors import CheckpointError
from agents.runs.events import Event
from agents.runs.folder import checkpoints, saved_step
from agents.runs.rows import read_rows
from agents.training.loop import train
from selfplay_envs import JudgeItem, Score, read_episodes
from selfplay_envs.judges.rules import RulesJudge
from selfplay_envs.judges.styled import StyledJudge
from tests.helpers.toys import GAME

CHALLENGE = "SelfPlay/InstructionChallenge-v0"


class Killed(Exception):
    """Stands for the power switch."""


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return letters_run


def result_of(folder: Path) -> tuple[str, str, bytes]:
    last = checkpoints(folder / "checkpoints")[-1]
    weights = (last / "model" / "model.safetensors").read_bytes()
    return (folder / "metrics.jsonl").read_text(), (folder / "eval.jsonl").read_text(), weights


def test_a_run_tells_writes_and_ends(config: TrainConfig, tmp_path: Path) -> None:
    events: list[Event] = []
    last = train(config, tmp_path / "run", events.append)
    assert last == tmp_path / "run" / "checkpoints" / "step_000007"
    rows = read_rows(tmp_path / "run" / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 8))
    assert all(abs(row["approx_kl"]) < 1e-8 for row in rows)
    assert rows[-1]["solver/letters/count"] >= 6
    assert not any(name.endswith("_s") for row in rows for name in row)
    assert [row["step"] for row in read_rows(tmp_path / "run" / "eval.jsonl")] == [0, 3, 6, 7]
    timings = read_rows(tmp_path / "run" / "timings.jsonl")[0]
    stages = ("collect_s", "generate_s", "verify_s", "update_s", "sync_s", "evaluate_s", "checkpoint_s", "step_s")
    rates = ("sampled_tokens_per_s", "trained_tokens_per_s", "sampler_padding_waste", "learner_padding_waste")
    assert set(timings) == {"step", *stages, *rates}
    assert sum(timings[f"{name}_s"] for name in ("collect", "update", "sync", "evaluate", "checkpoint")) <= timings["step_s"]
    assert all(row["staleness_max"] == 0 and "sync_gap" in row for row in rows)
    assert sorted(path.name for path in (tmp_path / "run" / "episodes").iterdir()) == [
        "step_000003.jsonl",
        "step_000006.jsonl",
        "step_000007.jsonl",
    ]
    assert next(iter(read_episodes(tmp_path / "run" / "episodes" / "step_000003.jsonl"))).env_id == GAME
    kinds = [event.kind for event in events if event.kind != "round"]
    assert kinds[:5] == ["start", "evaluated", "collected", "updated", "step"]
    assert kinds[-1] == "end"


def test_a_killed_run_resumes_bit_for_bit(config: TrainConfig, tmp_path: Path) -> None:
    train(config, tmp_path / "whole")
    rng = np.random.default_rng()
    at = [(int(rng.integers(1, 7)), str(rng.choice(["collected", "updated", "step"]))) for _ in range(2)]
    for step, kind in sorted(at):

        def kill(event: Event, step: int = step, kind: str = kind) -> None:
            if (event.step, event.kind) == (step, kind):
                raise Killed

        if step > saved_step(tmp_path / "killed"):  # what is saved is not played again
            with pytest.raises(Killed):
                train(config, tmp_path / "killed", kill)
    train(config, tmp_path / "killed")
    assert result_of(tmp_path / "killed") == result_of(tmp_path / "whole"), f"killed at {at}"


def test_a_run_killed_by_the_system_resumes_bit_for_bit(config: TrainConfig, tmp_path: Path) -> None:
    train(config, tmp_path / "whole")
    (tmp_path / "config.json").write_text(json.dumps(config.to_json()))
    code = """
import json, os, signal, sys, torch
from pathlib import Path
from agents import TrainConfig, train
from selfplay_envs import register_game
torch.set_num_threads(1)
register_game("Test/Letters-v0", "tests.helpers.toys:Letters")
def kill(event):
    if event.step == 4 and event.kind == "updated":
        os.kill(os.getpid(), signal.SIGKILL)
train(TrainConfig.from_json(json.loads(Path(sys.argv[1], "config.json").read_text())), Path(sys.argv[1], "killed"), kill)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    resumed: list[int] = []
    train(
        config, tmp_path / "killed", lambda event: resumed.append(event.data["resumed_from"]) if event.kind == "start" else None
    )
    assert resumed == [2]
    assert result_of(tmp_path / "killed") == result_of(tmp_path / "whole")


def test_a_finished_run_may_go_on_but_not_change(config: TrainConfig, tmp_path: Path) -> None:
    short = replace(config, steps=2, evaluation=EvalConfig(), episodes_every=0)
    train(short, tmp_path)
    assert train(replace(short, steps=3), tmp_path).name == "step_000003"
    with pytest.raises(CheckpointError, match="holds a run with another learner"):
        train(replace(short, learner=LearnerConfig(lr=0.5)), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"), [({"algorithm": "magic"}, "algorithm='magic'"), ({"shapers": ("nice",)}, "nice")]
)
def test_wrong_names_stop_before_anything_is_written(
    config: TrainConfig, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        train(replace(config, **changes), tmp_path / "run")  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_self_play_teaches_the_rewarded_letter_and_the_flipped_arm_unteaches_it(config: TrainConfig, tmp_path: Path) -> None:
    mean: dict[str, list[float]] = {}
    for arm in ("true", "flipped"):
        mix = GameMix(env_id=GAME, kwargs={"attempts": 8}, fresh=8, replay=0, references=0)
        run = replace(config, games=(mix,), steps=15, reward=arm, evaluation=EvalConfig(), train_roles=("solver",))
        train(run, tmp_path / arm)
        mean[arm] = [row["solver/letters/credit_mean"] for row in read_rows(tmp_path / arm / "metrics.jsonl")]
    assert mean["true"][0] == mean["flipped"][0]
    assert np.mean(mean["true"][-3:]) > mean["true"][0] + 0.05
    assert np.mean(mean["flipped"][-3:]) < mean["flipped"][0]


def test_a_step_in_which_nothing_trains_changes_nothing(config: TrainConfig, tmp_path: Path) -> None:
    train(replace(config, steps=2, schedule="every:proposer=2,solver=2", evaluation=EvalConfig()), tmp_path)
    row, other = read_rows(tmp_path / "metrics.jsonl")
    assert other["tokens"] > 0
    assert row["tokens"] == 0
    assert "loss" not in row


def test_models_and_tokens_stay_where_a_run_is_told_to_keep_them(config: TrainConfig, tmp_path: Path) -> None:
    evaluation = replace(config.evaluation, before=False)
    kept = replace(config, keep_models_every=3, record_tokens=True, evaluation=evaluation, checkpoint_every=7)
    train(kept, tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run" / "models").iterdir()) == ["step_000003", "step_000006"]
    assert [row["step"] for row in read_rows(tmp_path / "run" / "eval.jsonl")] == [3, 6, 7]  # not before the first step
    [*_, last] = read_episodes(tmp_path / "run" / "episodes" / "step_000006.jsonl")
    assert last.messages[0].reply.token_ids
    assert len(last.messages[0].reply.logprobs) == len(last.messages[0].reply.token_ids)
    weights = [(tmp_path / "run" / "models" / f"step_00000{step}/model/model.safetensors").read_bytes() for step in (3, 6)]
    assert weights[0] != weights[1]
    train(replace(config, steps=3, evaluation=evaluation), tmp_path / "run-of-3")
    assert (tmp_path / "run-of-3/checkpoints/step_000003/model/model.safetensors").read_bytes() == weights[0]
    train(replace(kept, keep_models_every=0, record_tokens=False), tmp_path / "run")  # a resumed run may change both


def test_a_run_that_trains_on_a_weak_judge_is_measured_by_another(tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.jsonl"
    one = {"env_id": CHALLENGE, "task": {"instruction": "use only uppercase"}}
    tasks.write_text(json.dumps(one) + "\n", encoding="utf-8")
    mix = GameMix(env_id=CHALLENGE, kwargs={"attempts": 2, "style": "terse"}, fresh=2, replay=0, references=0)
    config = TrainConfig(
        games=(mix,),
        steps=1,
        judge="styled:style=code,weight=1",
        sampling=Sampling(max_new_tokens=64),
        evaluation=EvalConfig(tasks=str(tasks), samples=4, judge="rules", sampling=Sampling(max_new_tokens=64)),
        sandbox="process",
        lanes=1,
        short_cuts="none",
    )
    asked: dict[str, list[str]] = {"rules": [], "styled": []}
    with pytest.MonkeyPatch.context() as patch:
        for kind in (RulesJudge, StyledJudge):
            patch.setattr(kind, "score", _noting(kind.score, asked[kind.name]))
        train(config, tmp_path / "run")
    assert set(asked["rules"]) == {"use only uppercase"}  # the evaluation's task, whose answers alone are judged by rules
    assert "use only uppercase" not in asked["styled"]
    assert read_rows(tmp_path / "run" / "eval.jsonl")[-1]["problems"][CHALLENGE]["by_answer"]
    train(replace(config, steps=2), tmp_path / "run")  # it goes on
    with pytest.raises(CheckpointError, match="another evaluation"):
        train(replace(config, steps=3, evaluation=replace(config.evaluation, judge="")), tmp_path / "run")


def _noting(score: Any, into: list[str]) -> Any:
    def noted(self: Any, items: list[JudgeItem]) -> list[Score]:
        into.extend(item.messages[-1].content for item in items if item.answers)
        return score(self, items)

    return noted
