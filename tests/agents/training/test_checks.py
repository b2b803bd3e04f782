"""Runs that cannot be, each refused in one sentence before anything is loaded or written."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from agents.config.game_mixes import challenge
from agents.config.learner import LearnerConfig
from agents.config.presets import PRESETS, find_preset
from agents.config.run import EvalConfig, GameMix, TrainConfig
from agents.core.errors import ModelUnavailable
from agents.models import loading as models
from agents.runs.events import Event
from agents.runs.rows import read_rows
from agents.training.checks import asks_self, check_run, judge_texts, notices
from agents.training.loop import train
from selfplay_envs import Episode
from tests.helpers.toys import GAME

KUHN, LSP = find_preset("kuhn-tiny"), find_preset("lsp-tiny")


def misspelt(config: TrainConfig, env_id: str) -> TrainConfig:
    first, *rest = config.games
    return replace(config, games=(replace(first, env_id=env_id), *rest))


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (KUHN, {"judge": "nojudge"}, "judge='nojudge' is not known"),
        (LSP, {"judge": "nojudge"}, "judge='nojudge' is not known"),
        (KUHN, {"shapers": ("nice",)}, "shaper='nice' is not known"),
        (KUHN, {"algorithm": "magic"}, "algorithm='magic' is not known"),
        (KUHN, {"options": {"clip_lo": 0.1}}, "'clip_lo' is no setting"),
        (KUHN, {"sandbox": "podman"}, "podman"),
        (KUHN, {"options": {"role_shares": "first=0,second=0"}}, "gives 0 to every role that trains .first, second."),
        (KUHN, {"train_roles": ("first",), "options": {"role_shares": "first=0"}}, "gives 0 to every role"),
        (KUHN, {"options": {"aggregate": "role", "role_weights": "first=0,second=0"}}, "gives 0 to every role"),
        (KUHN, {"algorithm": "rloo", "learner": LearnerConfig(epochs=2)}, "'rloo' has no ratio"),
        (KUHN, {"algorithm": "rloo", "learner": LearnerConfig(mini_batches=2)}, "'rloo' has no ratio"),
        (KUHN, {"algorithm": "reinforce", "staleness": 1}, "'reinforce' has no ratio"),
        (KUHN, {"sampler": "vllm:sleep", "staleness": 1}, "with staleness=1 it samples meanwhile; leave sleep out"),
        (KUHN, {"sampler": "vllm:dtype=bf16"}, "dtype='bf16' is not known; choose one of auto, float32"),
        (KUHN, {"sampler": "vllm:gpu_memory_utilization=7"}, "gpu_memory_utilization=7.0 is no share from 0 to 1"),
        (KUHN, {"sampler": "vllm:kv_cache_gib=-1"}, "kv_cache_gib=-1.0 must be at least 0"),
        (KUHN, {"sampler": "vllm:python=/nowhere/python"}, "python='/nowhere/python' is no program here"),
        (KUHN, {"train_roles": ("solver",)}, "names 'solver', but the roles of these games are first, second"),
        (KUHN, {"options": {"role_shares": "frst=0.5"}}, "options role_shares names 'frst'"),
        (KUHN, {"schedule": "frozen:first,second"}, "nobody would train at any of the 60 steps"),
        (KUHN, {"evaluation": EvalConfig(tasks="no-such-file.jsonl")}, "no-such-file.jsonl"),
        (misspelt(KUHN, "SelfPlay/Kuhn-v0"), {}, "env_id='SelfPlay/Kuhn-v0' is not"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_folder(
    config: TrainConfig, changes: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.training.assembly.load_model", lambda *_, **__: pytest.fail("a model was loaded"))
    with pytest.raises(Exception, match=message) as raised:
        train(replace(config, **changes), tmp_path / "run")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_an_engine_that_is_missing_is_said_before_its_model_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.training.assembly.load_model", lambda *_, **__: pytest.fail("a model was loaded"))
    monkeypatch.setattr("agents.samplers.vllm.process.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match="needs vLLM, which is not installed here"):
        train(replace(KUHN, sampler="vllm:dtype=float32"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["grpo", "rloo", "gspo", "dapo", "lsp", "dpo"])
def test_a_panel_of_one_is_found_out_where_answers_to_one_task_are_compared(name: str) -> None:
    azr = find_preset("azr-tiny")
    alone = replace(azr, algorithm=name, games=tuple(replace(m, kwargs={**m.kwargs, "attempts": 1}) for m in azr.games))
    with pytest.raises(ValueError, match="attempts=1 of SelfPlay/Deduction-v0 gives the solver one to each; raise attempts"):
        check_run(alone)
    if name != "dpo":  # which pairs answers to one question
        check_run(replace(alone, options={"group_by": "role+task_type"}))
    check_run(replace(alone, train_roles=("proposer",)))
    check_run(replace(alone, algorithm="trr++", options={}))
    check_run(replace(azr, algorithm=name))
    check_run(replace(KUHN, algorithm=name))  # the same cards are dealt again


def test_a_late_error_leaves_no_folder_either(letters_run: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(models.ModelUnavailable):
        train(replace(letters_run, model="./no-such-model"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_pass_and_have_nothing_to_remark(name: str, tmp_path: Path) -> None:
    config = find_preset(name)
    if name == "grpo-data":  # whose instructions are on the hub
        (rows := tmp_path / "alpaca.jsonl").write_text('{"instruction": "Sort.", "input": "b a", "output": "a b"}\n')
        config = replace(config, games=(replace(config.games[0], tasks=f"alpaca:path={rows}"),))
    said = notices(config, check_run(config))
    assert [sentence for sentence in said if not sentence.startswith("Fixed tasks: ")] == []


def test_lsp_without_quality_says_what_it_is() -> None:
    config = replace(LSP, algorithm="lsp")
    [sentence] = notices(config, check_run(config))
    assert sentence.startswith("algorithm='lsp' is the same as lsp-zero here")
    paying = tuple(replace(mix, kwargs={**mix.kwargs, "quality_weight": 1.0}) for mix in config.games)
    config = replace(config, games=paying)
    assert notices(config, check_run(config)) == []
    assert notices(LSP, check_run(LSP)) == []


@pytest.mark.parametrize(
    ("learner", "noticed"),
    [
        (LearnerConfig(lr=3e-6, lora_rank=8, dtype="bfloat16"), True),
        (LearnerConfig(lr=1e-5, lora_rank=8, dtype="bfloat16"), False),
        (LearnerConfig(lr=0.0, lora_rank=8, dtype="bfloat16"), False),  # measures only
        (LearnerConfig(lr=3e-6, lora_rank=8), False),
        (LearnerConfig(lr=3e-6, dtype="bfloat16"), False),  # masters add up what every weight learns
    ],
)
def test_a_rate_that_bfloat16_rounds_away_under_adapters_is_remarked(learner: LearnerConfig, noticed: bool) -> None:
    config = replace(KUHN, learner=learner)
    sentences = notices(config, check_run(config))
    assert len(sentences) == noticed
    if noticed:
        assert sentences[0].startswith("learner.lr=3e-06 hardly shows with adapters in bfloat16: ")
        assert sentences[0].endswith("raise it, as with --learner.lr 2e-5, or add --learner.dtype float32.")


def test_a_step_of_which_no_message_is_left_does_not_speak_of_equal_returns(letters_run: TrainConfig, tmp_path: Path) -> None:
    events: list[Event] = []
    mix = GameMix(env_id=GAME, kwargs={"attempts": 4}, fresh=2, replay=0, references=0)
    sampling = replace(letters_run.sampling, max_new_tokens=1)  # every reply is cut off
    config = replace(
        letters_run, games=(mix,), steps=1, sampling=sampling, evaluation=EvalConfig(), options={"cut_off": "mask"}
    )
    train(config, tmp_path / "run", events.append)
    [sentence] = [event.data["sentence"] for event in events if event.kind == "notice"]
    assert sentence.startswith("step 1 taught nothing: all messages are left out, as they were cut off")


def test_a_step_that_teaches_nothing_is_noticed_once_in_a_row(letters_run: TrainConfig, tmp_path: Path) -> None:
    flat = {1, 2, 4, 5}
    events: list[Event] = []
    mix = GameMix(env_id=GAME, kwargs={"attempts": 4}, fresh=4, replay=0, references=0)
    config = replace(letters_run, games=(mix,), steps=5, evaluation=EvalConfig(), train_roles=("solver",))
    with pytest.MonkeyPatch.context() as patch:
        module = import_module("agents.training.loop")
        control_arm = module.control_arm

        def rewarded(episodes: list[Episode], *args: Any) -> list[Episode]:
            if len([event for event in events if event.kind == "collected"]) not in flat:
                return control_arm(episodes, *args)
            alike = [[replace(turn, credit=0.3, terms={}) for turn in episode.messages] for episode in episodes]
            return [replace(episode, messages=tuple(turns)) for episode, turns in zip(episodes, alike, strict=True)]

        patch.setattr(module, "control_arm", rewarded)
        train(config, tmp_path / "run", events.append)
    rows = read_rows(tmp_path / "run" / "metrics.jsonl")
    assert [row["no_signal"] for row in rows] == [1, 1, 0, 1, 1]
    sentences = [event.data["sentence"] for event in events if event.kind == "notice"]
    assert [sentence.partition(" taught nothing: ")[0] for sentence in sentences] == ["step 1", "step 4"]


@pytest.mark.parametrize(("text", "staleness"), [("vllm:sleep=1", 0), ("vllm:sleep=0", 1), ("vllm", 1), ("transformers", 1)])
def test_an_engine_may_sleep_or_speak_ahead(text: str, staleness: int) -> None:
    check_run(replace(KUHN, sampler=text, staleness=staleness))


@pytest.mark.parametrize("option", ["max_rows=0", "prefill_tokens=-3"])
def test_a_sampler_without_room_is_refused_before_anything_is_loaded(option: str) -> None:
    with pytest.raises(ValueError, match=f"{option.partition('=')[0]} must be at least 1"):
        check_run(replace(KUHN, sampler=f"transformers:{option}"))


def test_a_judge_of_the_evaluation_is_opened_with_the_others_and_looked_at_before_anything_slow() -> None:
    config = replace(LSP, judge="styled:weight=0.5", evaluation=replace(LSP.evaluation, judge="criteria"))
    games = check_run(config).games.values()
    assert judge_texts(config, games) == ("styled:weight=0.5", "criteria")
    unmeasured = replace(config, evaluation=replace(config.evaluation, tasks="none"))
    assert judge_texts(unmeasured, games) == ("styled:weight=0.5",)
    wrong = replace(config, evaluation=replace(config.evaluation, judge="styled:weight=2"))
    with pytest.raises(ValueError, match=r"weight=2\.0 is not between 0 and 1"):
        check_run(wrong)
    by_itself = replace(config, evaluation=replace(config.evaluation, judge="self"))
    assert asks_self(by_itself, games)
    assert not asks_self(config, games)


def test_quality_by_rules_needs_no_frozen_model_and_is_nothing_to_remark() -> None:
    games = challenge("terse", attempts=2, quality_weight=1.0, quality_judge="criteria")
    config = replace(LSP, algorithm="lsp", games=games)
    assert not asks_self(config, check_run(config).games.values())
    assert notices(config, check_run(config)) == []
