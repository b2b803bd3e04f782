"""What cannot be compared is one sentence, before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.arguments.against import check_against, is_answer_file
from agents.arguments.evaluation import Evaluate, plan_evaluation
from selfplay_envs import UsageError


def check(tmp_path: Path, **given: Any) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"instruction": "Sing.", "output": "La."}) + "\n")
    settings: dict[str, Any] = {
        "models": ("tiny",),
        "benchmark": f"alpacaeval:path={tmp_path / 'rows.jsonl'}",
        "against": str(tmp_path / "rows.jsonl"),
        "judge": "rules",
    }
    command = Evaluate(**{**settings, **given})
    check_against(command, plan_evaluation(command))


def test_a_model_and_a_file_can_be_compared_with_and_a_run_with_the_judge_self(tmp_path: Path) -> None:
    check(tmp_path)
    check(tmp_path, against="org/model")
    check(tmp_path, against="org/model", judge="self")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"judge": ""}, "needs a judge; add --judge"),
        ({"judge": "oracle"}, "judge='oracle' is not known"),
        ({"judge": "self"}, "the model of --against, which is a file here"),
        ({"against": "gone.jsonl"}, "against='gone.jsonl' is no file"),
        ({"samples": 2}, "samples=2: one answer per request is compared"),
        ({"benchmark": "", "tasks": "tiny"}, "answers to one source of requests are compared"),
        ({"sampler": "endpoint:url=http://localhost:1/v1,model=x", "against": "org/model"}, "but an endpoint holds one"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(given: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises((ValueError, UsageError), match=sentence):
        check(tmp_path, **given)


def test_a_file_of_answers_is_told_by_its_ending() -> None:
    assert [is_answer_file(name) for name in ("a.jsonl", "alpaca_eval.JSON", "org/model-1.5", "runs/a")] == [
        True,
        True,
        False,
        False,
    ]
