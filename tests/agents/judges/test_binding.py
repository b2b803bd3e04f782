"""Which judges a run opens, and that they rest while it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.cli.main import main
from agents.config.run import GameMix, TrainConfig
from agents.core.errors import RunStopped
from agents.judges.binding import open_judges, rest
from agents.judges.reward_model import RewardModelJudge
from agents.runs.rows import read_rows
from agents.training.assembly import open_run
from agents.training.checks import check_run, judge_texts
from agents.training.loop import train
from selfplay_envs import JudgeItem, Score, UsageError, read_episodes
from tests.helpers.fake_endpoint import chat, serving
from tests.helpers.reward_models import save_classifier
from tests.helpers.scored_letters import register


@pytest.fixture
def config(letters_run: TrainConfig, tmp_path: Path) -> TrainConfig:
    folder = save_classifier(tmp_path / "reward")
    mix = GameMix(env_id=register(), kwargs={"attempts": 3}, fresh=2, replay=0, references=0)
    evaluation = replace(letters_run.evaluation, tasks="none")
    judge = f"reward-model:id={folder},device=cpu,sleep=1"
    return replace(letters_run, games=(mix,), evaluation=evaluation, judge=judge, steps=2, episodes_every=1)


def test_judges_are_opened_by_text_but_for_those_that_cost_nothing() -> None:
    assert open_judges(["rules", "self", "rules:vocabulary=basic"]) == {}
    with pytest.raises(UsageError, match="'nowhere' is neither a folder here nor a Hugging Face id"):
        open_judges(["rules", "reward-model:id=nowhere"])


def test_only_judges_with_memory_rest() -> None:
    class Heavy:
        rested = 0

        def score(self, items: list[JudgeItem]) -> list[Score]:
            return []

        def release_memory(self) -> None:
            self.rested += 1

    class Light:
        def score(self, items: list[JudgeItem]) -> list[Score]:
            return []

    heavy = Heavy()
    rest([heavy, Light()])
    assert heavy.rested == 1


def test_a_run_opens_its_reward_model_once_and_has_it_rest_before_every_update(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    for name in ("__init__", "score", "release_memory"):
        method = getattr(RewardModelJudge, name)

        def note(self: Any, *args: Any, name: str = name, method: Any = method, **options: Any) -> Any:
            happened.append(name)
            return method(self, *args, **options)

        note.__wrapped__ = method  # type: ignore[attr-defined]  # whose keywords are the options
        monkeypatch.setattr(RewardModelJudge, name, note)
    train(replace(config, lanes=1), tmp_path / "run")
    assert happened[0] == "__init__"
    assert happened.count("__init__") == 1
    assert happened.count("release_memory") == 2
    assert happened.index("score") < happened.index("release_memory")
    [*episodes] = read_episodes(tmp_path / "run" / "episodes" / "step_000001.jsonl")
    assert {episode.backend["judge"] for episode in episodes} == {config.judge}


def test_the_verbs_ask_it_again(config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(config, tmp_path / "run")
    assert main(["replay", str(tmp_path / "run"), "--rejudge", "--sandbox", "process"]) == 0
    assert "sandbox and judge asked again" in " ".join(capsys.readouterr().out.split())


def test_a_judge_that_gives_no_answer_stops_a_run_that_can_be_resumed_with_another_address(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(lambda number, body: chat("<score>4</score>")) as fake:
        judged = replace(config, judge=f"endpoint:url={fake.url},model=m,retries=0", checkpoint_every=1)
        train(replace(judged, steps=1), tmp_path / "run")
    with pytest.raises(RunStopped, match=r"the judge gives no answer .*cannot be reached.*saved after step 1; mend that"):
        train(judged, tmp_path / "run")
    with serving(lambda number, body: chat("<score>4</score>")) as fake:
        train(replace(judged, judge=f"endpoint:url={fake.url},model=m"), tmp_path / "run")
    assert [row["step"] for row in read_rows(tmp_path / "run" / "metrics.jsonl")] == [1, 2]


def test_a_reward_model_that_is_not_there_stops_a_run_before_anything_is_written(config: TrainConfig, tmp_path: Path) -> None:
    gone = replace(config, judge="reward-model:id=./gone")
    with pytest.raises(UsageError, match=r"\./gone"), open_run(gone, tmp_path / "run", lambda event: None):
        pass
    assert not (tmp_path / "run").exists()


def test_a_judge_cannot_sleep_while_it_judges(config: TrainConfig) -> None:
    assert judge_texts(config, check_run(config).games.values()) == (config.judge,)
    with pytest.raises(ValueError, match="is to sleep while the learner updates, but with staleness=1"):
        check_run(replace(config, staleness=1))
    check_run(replace(config, staleness=1, judge=config.judge.replace(",sleep=1", "")))
