"""`selfplay eval`: what is asked of whom, in which wording, and several models beside each other."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.cli import main
from agents.cli.measuring import Evaluate, _differences, _plan  # pyright: ignore[reportPrivateUsage]
from agents.cli.wording import TINY_FOLDER
from agents.presets import find_preset
from agents.seeding import generator_of
from agents.statistics import bootstrap_difference
from selfplay_envs.buffer import task_key

DEDUCTION = "SelfPlay/Deduction-v0"
QUICK = ("--sandbox", "process", "--device", "cpu")


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("SELFPLAY_TRACEBACK", raising=False)


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(args) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def rows(path: Path, *given: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    return str(path)


def code_task(number: int) -> dict[str, Any]:
    return {
        "env_id": DEDUCTION,
        "task": {"program": f"def f(x):\n    return x + {number}", "inputs": ["2"], "outputs": [str(2 + number)]},
    }


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that is not known to be the tiny one: the same weights elsewhere."""
    folder = tmp_path_factory.mktemp("models") / "another"
    shutil.copytree(TINY_FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "*.jsonl", "__pycache__"))
    return str(folder)


def test_a_model_is_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    scores = tmp_path / "scores.json"
    assert main(["eval", "tiny", "--limit", "2", "--samples", "2", *QUICK, "--json", str(scores)]) == 0
    shown = capsys.readouterr().out
    for words in ("6 problems x 2 answers", "terse wording", "deduction", "all problems", "pass@1", "pass@2"):
        assert words in shown
    row = json.loads(scores.read_text())
    assert {entry["wording"] for entry in row["problems"].values()} == {"terse"}
    assert (row["model"], row["seed"], row["sampling"]["max_new_tokens"]) == ("tiny", 0, 100)


def test_answers_that_were_cut_off_are_counted(capsys: pytest.CaptureFixture[str]):
    """One token is no answer of any model, so that all of them end at the limit."""
    assert main(["eval", "tiny", "--limit", "2", "--samples", "2", "--max-new-tokens", "1", *QUICK]) == 0
    assert "12 of 12 answers were cut off at the limit" in capsys.readouterr().out


def test_rows_of_any_registered_game_are_asked(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    tasks = rows(tmp_path / "t.jsonl", code_task(1), {"env_id": "Test/Letters-v0", "task": {"letter": "x"}})
    kuhn = ["--preset", "kuhn-tiny"]  # a preset without either game
    assert main(["eval", "tiny", *kuhn, "--tasks", tasks, "--samples", "1", *QUICK, "--max-new-tokens", "8"]) == 0
    shown = capsys.readouterr().out
    assert "2 problems x 1 answers" in shown
    assert "letters" in shown
    assert "deduction" in shown


def test_several_models_are_asked_the_same_and_compared_in_pairs(capsys: pytest.CaptureFixture[str], tmp_path: Path, copy: str):
    """The gain and its interval are those of the rows, computed here a second time."""
    tasks = rows(tmp_path / "t.jsonl", *(code_task(number) for number in range(12)))
    scores = tmp_path / "scores.jsonl"
    args = ["eval", "tiny", copy, "--tasks", tasks, "--samples", "2", "--max-new-tokens", "40", *QUICK, "--json", str(scores)]
    assert main(args) == 0
    shown = capsys.readouterr().out
    assert "asked in different wordings" in shown
    first, second = map(json.loads, scores.read_text().splitlines())
    assert [row["problems"][DEDUCTION]["wording"] for row in (first, second)] == ["terse", "full"]
    old, new = (np.array(row["problems"][DEDUCTION]["right"]) / 2 for row in (first, second))
    assert old.sum() > new.sum()  # it cannot read the full prompts, which is why the wording has to be told
    names = [task_key(code_task(number)["task"]) for number in range(12)]
    gain, low, high = bootstrap_difference(old, new, generator_of("bootstrap", "deduction", 1), clusters=names)
    row = f"deduction 12 pass@1 2 {new.mean():.3f} {gain:+.3f} {low:+.3f} to {high:+.3f}"
    assert row.split() in [line.split() for line in shown.splitlines()]

    assert main([*args, "--style", "terse"]) == 0
    assert "different wordings" not in capsys.readouterr().out
    first, second = map(json.loads, scores.read_text().splitlines())
    assert first["problems"] == second["problems"]  # the same weights, wording and seeds


def test_replies_are_long_enough_for_a_model_that_nothing_is_known_of():
    assert _plan(Evaluate(models=("tiny",))).evaluation.sampling.max_new_tokens == 100
    assert _plan(Evaluate(models=("tiny", "smollm2"))).evaluation.sampling.max_new_tokens == 512
    assert _plan(Evaluate(models=("smollm2",), max_new_tokens=9)).evaluation.sampling.max_new_tokens == 9
    assert _plan(Evaluate(models=("smollm2",), preset="azr-tiny")).evaluation.sampling.max_new_tokens == 100


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
    [note] = _differences(command, _plan(command))
    assert note == f"{tmp_path / 'other'} was trained with another equality; all are asked with the same settings here."


def test_what_cannot_be_asked_is_one_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "model: none is named" in refused(capsys, "eval")
    assert "preset='nope'" in refused(capsys, "eval", "tiny", "--preset", "nope")
    assert "preset azr-smollm2 measures nothing held out; pass --tasks" in refused(
        capsys, "eval", "tiny", "--preset", "azr-smollm2"
    )
    assert "style='fuller'" in refused(capsys, "eval", "tiny", "--style", "fuller")
    assert "cannot be written" in refused(capsys, "eval", "tiny", "--json", str(tmp_path / "absent" / "s.json"))
    endpoint = "endpoint:url=http://localhost:1/v1,model=m"
    assert "an endpoint holds one" in refused(capsys, "eval", "a", "b", "--sampler", endpoint)
    tasks = rows(tmp_path / "t.jsonl", code_task(1), {"env_id": "Mine/Nope-v0", "task": {}})
    assert "t.jsonl:2: env_id='Mine/Nope-v0' is not known" in refused(capsys, "eval", "tiny", "--tasks", tasks)
    tasks = rows(tmp_path / "t.jsonl", {"env_id": "SelfPlay/KuhnPoker-v0", "task": {"cards": ["J", "K"]}})
    assert "t.jsonl:1: SelfPlay/KuhnPoker-v0 has no role that answers" in refused(capsys, "eval", "tiny", "--tasks", tasks)
