"""What models are asked before they are compared, and what cannot be shown to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.arguments.evaluation import Evaluate, plan_evaluation
from agents.cli.main import main
from agents.duels.asking import folder_for, requests_of
from agents.tiny.folder import TINY_MODEL
from selfplay_envs import Message
from tests.helpers.program import refused


def rows(tmp_path: Path, *instructions: str) -> str:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        "".join(json.dumps({"instruction": text, "dataset": "koala", "output": ""}) + "\n" for text in instructions)
    )
    return f"alpacaeval:path={path}"


def test_requests_are_asked_word_by_word_and_in_their_order(tmp_path: Path) -> None:
    command = Evaluate(models=("smollm2",), benchmark=rows(tmp_path, "Name {a} star.", "Sing."), against="x", judge="rules")
    found = requests_of("smollm2", plan_evaluation(command), command)
    assert [(one.place, one.instruction, one.subset) for one in found] == [
        (0, "Name {a} star.", "koala"),
        (1, "Sing.", "koala"),
    ]
    assert [one.prompt for one in found] == [(Message("user", "Name {a} star."),), (Message("user", "Sing."),)]


def test_answers_of_the_other_model_lie_beside_those_of_the_models(tmp_path: Path) -> None:
    bench = rows(tmp_path, "Sing.")
    for out, own, other in ((None, "evals/a", "evals/org_b"), (tmp_path, str(tmp_path), str(tmp_path / "org_b"))):
        command = Evaluate(models=("a",), benchmark=bench, against="org/b", judge="rules", out=out)
        plan = plan_evaluation(command)
        assert [str(folder_for(name, plan, command)) for name in ("a", "org/b")] == [own, other]


def test_a_request_that_holds_a_special_token_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    token = json.loads((TINY_MODEL / "tokenizer_config.json").read_text(encoding="utf-8"))["eos_token"]
    bench = rows(tmp_path, "Sing.", f"Say {token} twice.")
    given = ("--benchmark", bench, "--against", "rows.jsonl", "--judge", "rules", "--device", "cpu")
    sentence = refused(capsys, "eval", "tiny", *given)
    assert "request 2 holds" in sentence
    assert "take that row out" in sentence


def test_the_verb_says_what_against_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["eval", "--help"])
    assert "in both orders" in " ".join(capsys.readouterr().out.split())
