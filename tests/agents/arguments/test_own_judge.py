"""The judge `self` in verbs that are no training: it is the model with the weights that the run started from."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.arguments.own_judge import judges_of
from agents.cli.main import main
from agents.config.learner import LearnerConfig
from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.judges.self_judge import SelfJudge
from agents.training.loop import train
from selfplay_envs import JudgeItem, Message, Referee, Score, UsageError, read_episodes
from tests.helpers.program import refused
from tests.helpers.scored_letters import register
from tests.helpers.toys import build_model, build_tokenizer

PROBE = (Message("user", "judge me"),)


@pytest.fixture(autouse=True)
def judged_by_weights(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every score is a number that only the judge's weights decide; the list holds those that were given."""
    given: list[float] = []

    def score(self: SelfJudge, items: list[JudgeItem]) -> list[Score]:
        [[reply]] = self.sampler.generate([PROBE], Sampling(max_new_tokens=8), [(7,)])
        given.append(round(-sum(reply.logprobs), 3))
        return [Score(values=(given[-1],) * len(item.answers)) for item in items]

    monkeypatch.setattr(SelfJudge, "score", score)
    return given


@pytest.fixture
def run(tmp_path: Path) -> str:
    """A run judged by `self`, whose weights have moved."""
    for name, seed in (("start", 0), ("other", 1)):
        build_model(seed).save_pretrained(tmp_path / name)
        build_tokenizer().save_pretrained(tmp_path / name)
    config = TrainConfig(
        model=str(tmp_path / "start"),
        games=(GameMix(env_id=register(), kwargs={"attempts": 2}, fresh=2, replay=0, references=0),),
        judge="self",
        steps=2,
        sampling=Sampling(max_new_tokens=4),
        learner=LearnerConfig(lr=3e-2, warmup_steps=0),
        sandbox="process",
        episodes_every=1,
        device="cpu",
        short_cuts="none",
    )
    evaluation = replace(config.evaluation, samples=1, before=False)
    train(replace(config, evaluation=evaluation), tmp_path / "run")
    return str(tmp_path / "run")


def test_a_run_judged_by_itself_is_judged_again_by_its_starting_weights(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], judged_by_weights: list[float]
) -> None:
    again = ("replay", run, "--rejudge", "--sandbox", "process")
    assert main(again) == 0
    assert len(set(judged_by_weights)) == 1
    assert main([*again, "--model", str(tmp_path / "other")]) == 1
    assert "verdict: recorded" in capsys.readouterr().out
    lost = tmp_path / "lost.jsonl"
    shutil.copy(Path(run) / "episodes" / "step_000002.jsonl", lost)
    sentence = refused(capsys, "replay", str(lost), "--rejudge", "--sandbox", "process")
    assert "judge='self' is a run's model with its starting weights" in sentence
    assert "--model RUN" in sentence
    assert main(["replay", str(lost), "--rejudge", "--sandbox", "process", "--model", run]) == 0


def test_the_evaluation_of_such_a_run_loads_what_it_needs(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], judged_by_weights: list[float]
) -> None:
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text("".join(json.dumps({"env_id": register(), "task": {"letter": letter}}) + "\n" for letter in "xy"))
    options = (
        "--samples",
        "1",
        "--device",
        "cpu",
        "--short-cuts",
        "none",
        "--sandbox",
        "process",
        "--out",
        str(tmp_path / "out"),
    )
    trained = set(judged_by_weights)
    judged_by_weights.clear()
    assert main(["eval", run, str(tmp_path / "start"), "--tasks", str(tasks), *options]) == 0
    assert set(judged_by_weights) == trained


def test_such_a_run_can_be_played_with(run: str, judged_by_weights: list[float], tmp_path: Path) -> None:
    trained = set(judged_by_weights)
    judged_by_weights.clear()
    play = ("play", register(), "--role", "none", "--sandbox", "process", "--max-new-tokens", "4", "--save")
    assert main([*play, str(tmp_path / "e.jsonl"), "--model", run]) == 0
    assert set(judged_by_weights) == trained
    [episode] = read_episodes(tmp_path / "e.jsonl")
    assert episode.backend["judge"] == "self"
    judged_by_weights.clear()
    assert main([*play, str(tmp_path / "f.jsonl"), "--model", run, "--judge", "rules"]) == 0
    assert not judged_by_weights


def test_nothing_is_loaded_before_it_is_asked() -> None:
    own, bound = judges_of("rules", None, "./nowhere")
    assert own == "rules"
    asked: Any = bound["self"]
    with pytest.raises(Exception, match=r"\./nowhere"):
        asked.score([JudgeItem(messages=PROBE, answers=("a",))])
    text = "reward-model:id=./nowhere"
    own, bound = judges_of(text, None)
    assert own == text
    referees = [Referee("process", own, bound) for _ in range(2)]
    assert referees[0].judges[""] is referees[1].judges[""] is bound[text]
    assert referees[0].backend["judge"] == text
    with pytest.raises(UsageError, match=r"\./nowhere"):
        bound[text].score([JudgeItem(messages=PROBE, answers=("a",))])
    with pytest.raises(UsageError, match="judge='ruls' is not known"):
        judges_of("ruls", None)
    with pytest.raises(UsageError, match="none is known here"):
        judges_of("self", None)[1]["self"].score([])
