"""Tasks that hold a special token cannot be shown as they are: nobody is asked about one, wherever a model plays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.cli.main import main
from agents.config.run import TrainConfig
from agents.models.chat_templates import special_tokens
from agents.models.loading import load_model
from agents.runs.events import ignore
from agents.training.assembly import open_run
from agents.training.loop import train
from selfplay_envs import UsageError
from tests.helpers.toys import GAME

PROGRAM = "def f(x):\n    return {!r} + x"


def task(word: str) -> dict[str, object]:
    return {"program": PROGRAM.format(word), "inputs": ["'a'"], "outputs": [repr(word + "a")], "message": ""}


def write_tasks(path: Path, *words: str) -> Path:
    rows = [{"env_id": "SelfPlay/Deduction-v0", "task": task(word)} for word in words]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_an_evaluation_refuses_them_with_their_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = write_tasks(tmp_path / "tasks.jsonl", "b", "<|end|>", "<|end", "c<|user|>", "d")
    arguments = ["eval", "tiny", "--tasks", str(tasks), "--samples", "1", "--sandbox", "process", "--device", "cpu"]
    assert main(arguments) == 2
    refusal = " ".join(capsys.readouterr().err.split())
    assert refusal.startswith("selfplay: evaluation.tasks: 2 of 5 tasks of SelfPlay/Deduction-v0 hold a text that the model's")
    assert "(numbers 2, 4); take them out of the file." in refusal
    assert main([*arguments, "--limit", "1"]) == 0  # those are not asked


def test_a_run_refuses_them_before_its_first_step(letters_run: TrainConfig, tmp_path: Path) -> None:
    row = json.dumps({"env_id": GAME, "task": {"letter": "<end>"}})
    Path(letters_run.evaluation.tasks).write_text(row + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="1 of 1 tasks of Test/Letters-v0 hold a text"):
        train(letters_run, tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_run_s_referee_knows_them(letters_run: TrainConfig, tmp_path: Path, lanes: int) -> None:
    with open_run(replace(letters_run, lanes=lanes), tmp_path / "run", ignore) as run:
        reserved = run.episodes.collector.referee.reserved
        assert reserved == set(special_tokens(run.tokenizer)) >= {"<end>", "<user>", "<assistant>"}


@pytest.mark.parametrize(("word", "verdict"), [("<|end|>", "special_token"), ("<|end", "valid")])
def test_a_person_cannot_put_one_to_a_model(
    word: str, verdict: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "<|end|>" in special_tokens(load_model("tiny", device="cpu")[1])
    lines = iter(["```python", *PROGRAM.format(word).splitlines(), "```", "```input", "'a'", "```", ""])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    assert main(["play", "Deduction", "--role", "proposer", "--sandbox", "process", "--max-new-tokens", "8"]) == 0
    shown = capsys.readouterr().out
    assert verdict in shown
    assert ("said: solver" in shown) == (verdict == "valid")
