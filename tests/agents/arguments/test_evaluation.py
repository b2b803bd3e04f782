"""The command line of `selfplay eval` as a plan."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.arguments.evaluation import Evaluate, batch_of, folder_of, plan_evaluation, sets_for, settings_notes
from agents.config.presets import find_preset


def test_replies_are_long_enough_for_a_model_that_nothing_is_known_of():
    assert plan_evaluation(Evaluate(models=("tiny",))).evaluation.sampling.max_new_tokens == 100
    assert plan_evaluation(Evaluate(models=("tiny", "smollm2"))).evaluation.sampling.max_new_tokens == 512
    assert plan_evaluation(Evaluate(models=("smollm2",), max_new_tokens=9)).evaluation.sampling.max_new_tokens == 9
    assert plan_evaluation(Evaluate(models=("smollm2",), preset="azr-tiny")).evaluation.sampling.max_new_tokens == 100


def test_runs_that_were_set_up_otherwise_are_told_apart(tmp_path: Path):
    """Panel and wording may differ, and a default may be written out; what a game is may not differ without a word."""
    preset = find_preset("azr-tiny")
    kwargs: dict[str, dict[str, Any]] = {
        "first": {},
        "same": {"wrong_credit": -0.5, "attempts": 2, "style": "full"},
        "other": {"equality": "strict"},
    }
    for name, changed in kwargs.items():
        games = tuple(replace(mix, kwargs={**mix.kwargs, **changed}) for mix in preset.games)
        checkpoint = tmp_path / name / "checkpoints" / "step_000001"
        checkpoint.mkdir(parents=True)
        (checkpoint / "state.json").write_text('{"step": 1}')
        (tmp_path / name / "config.json").write_text(json.dumps(replace(preset, games=games).to_json()))
    command = Evaluate(models=tuple(str(tmp_path / name) for name in kwargs))
    [note] = settings_notes(command, plan_evaluation(command))
    assert note == f"{tmp_path / 'other'} was trained with another equality; all are asked with the same settings here."


def test_benchmarks_are_asked_once_and_a_tiny_model_in_terse():
    command = Evaluate(models=("tiny",), benchmark="sample:limit=3")
    plan = plan_evaluation(command)
    assert (plan.evaluation.samples, plan.count) == (1, 3)
    assert [one.kwargs for one in sets_for("tiny", plan, command)] == [{"source": "sample:limit=3", "prompt": "terse"}]
    assert [one.kwargs.get("prompt", "") for one in sets_for("smollm2", plan, command)] == [""]  # as the source says
    typed = replace(command, prompt="Q: {question}", style="terse")
    assert sets_for("tiny", plan_evaluation(typed), typed)[0].kwargs["prompt"] == "Q: {question}"
    both = replace(command, benchmark="", tasks="tiny,sample", limit=2)
    assert [(one.name, one.count) for one in plan_evaluation(both).sets][-1] == ("sample", 2)
    assert plan_evaluation(both).count == 8


def test_greedy_is_one_reply_at_temperature_zero():
    plan = plan_evaluation(Evaluate(models=("tiny",), greedy=True))
    assert (plan.evaluation.samples, plan.evaluation.sampling.temperature) == (1, 0.0)


def test_the_model_and_the_folder_may_be_named_either_way(tmp_path: Path):
    command = Evaluate(models=(), model="tiny", benchmark="sample")
    plan = plan_evaluation(command)
    assert plan.models == ("tiny",)
    assert folder_of("tiny", plan, command) == Path("evals/tiny")
    assert folder_of("tiny", plan, replace(command, out=tmp_path)) == tmp_path
    two = replace(command, models=("org/model",), out=tmp_path)
    assert folder_of("org/model", plan_evaluation(two), two) == tmp_path / "org_model"
    assert batch_of("tiny", plan, command) == 512
    assert batch_of("smollm2", plan, command) == 64
    assert batch_of("smollm2", plan, replace(command, sampler="vllm")) == 512
    assert batch_of("smollm2", plan, replace(command, batch=7)) == 7


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"benchmark": "sample", "tasks": "tiny"}, "benchmark and tasks are both given"),
        ({"greedy": True, "temperature": 0.5}, "temperature=0.5 is not greedy"),
        ({"greedy": True, "samples": 4}, "samples=4: greedy answers"),
        ({"temperature": 0.0, "samples": 4}, "samples=4: greedy answers"),
        ({"model": "tiny"}, "one of tiny, tiny is named twice"),
        ({"batch": 0}, "batch=0 must be at least 1"),
        ({"benchmark": "sampel"}, "source='sampel' is not known"),
        ({"benchmark": "sample,sample:limit=2"}, "names sample twice"),
        ({"benchmark": "sample", "prompt": "{program}"}, "shows 'program', which the problem lacks"),
    ],
)
def test_what_makes_no_sense_together_is_one_sentence(options: dict[str, Any], sentence: str):
    with pytest.raises(Exception, match=sentence):
        plan_evaluation(Evaluate(models=("tiny",), **options))


STYLED = "styled:style=capitals,weight=1"


def test_the_judge_of_answers_is_what_was_typed_then_the_evaluations_then_the_runs(tmp_path: Path):
    config = replace(find_preset("lsp-tiny"), judge="styled:weight=0.5")
    names = []
    for name, judge in (("weak", ""), ("examined", "rules")):
        checkpoint = tmp_path / name / "checkpoints" / "step_000001"
        checkpoint.mkdir(parents=True)
        (checkpoint / "state.json").write_text('{"step": 1}')
        run = replace(config, evaluation=replace(config.evaluation, judge=judge))
        (tmp_path / name / "config.json").write_text(json.dumps(run.to_json()))
        names.append(str(tmp_path / name))
    assert [plan_evaluation(Evaluate(models=(name,))).judge for name in names] == ["styled:weight=0.5", "rules"]
    typed = Evaluate(models=tuple(names), judge=STYLED)
    assert plan_evaluation(typed).judge == STYLED
    assert settings_notes(typed, plan_evaluation(typed)) == []
    both = replace(typed, judge="")
    [note] = settings_notes(both, plan_evaluation(both))
    assert note == f"{names[1]} was trained with another judge; all are asked with the same settings here."


def test_a_judge_goes_with_tasks_of_games_that_ask_one():
    plan = plan_evaluation(Evaluate(models=("tiny",), tasks="tiny-instructions", judge=STYLED))
    assert (plan.judge, plan.asks_judge) == (STYLED, True)
    assert not plan_evaluation(Evaluate(models=("tiny",))).asks_judge
    for tasks in ({"tasks": "tiny"}, {"benchmark": "sample"}, {}):
        with pytest.raises(ValueError, match=r"judge='rules' is asked by no game of tasks='\w+', which are checked without"):
            plan_evaluation(Evaluate(models=("tiny",), judge="rules", **tasks))
