"""`selfplay eval`: what is asked of whom, in which wording, and several models beside each other."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.cli.main import main
from agents.core.seeding import generator_of
from agents.duels.asking import STORE
from agents.evaluation.statistics import bootstrap_difference
from agents.tiny.folder import TINY_MODEL
from selfplay_envs.tasks.duplicates import task_key
from tests.helpers.program import refused

DEDUCTION = "SelfPlay/Deduction-v0"
CHALLENGE = "SelfPlay/InstructionChallenge-v0"
QUICK = ("--sandbox", "process", "--device", "cpu")


def rows(path: Path, *given: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    return str(path)


def code_task(number: int) -> dict[str, Any]:
    return {
        "env_id": DEDUCTION,
        "task": {"program": f"def f(x):\n    return x + {number}", "inputs": ["2"], "outputs": [str(2 + number)]},
    }


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `evals/` is written."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that is not known to be the tiny one: the same weights elsewhere."""
    folder = tmp_path_factory.mktemp("models") / "another"
    shutil.copytree(TINY_MODEL, folder, ignore=shutil.ignore_patterns("*.py", "*.jsonl", "__pycache__"))
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


def test_a_benchmark_is_measured_and_goes_on_where_it_was(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    args = ["eval", "--model", "tiny", "--benchmark", "sample:limit=3", *QUICK, "--max-new-tokens", "8"]
    assert main([*args, "--samples", "2"]) == 0
    shown = capsys.readouterr().out
    for words in ("3 problems x 2 answers", "6 of 6 answers drawn now", "terse wording", "sample", "pass@2", "unreadable"):
        assert words in shown
    stored = (tmp_path / "evals" / "tiny" / "replies.jsonl").read_text()
    rows = [json.loads(line) for line in (tmp_path / "evals" / "tiny" / "sample.jsonl").read_text().splitlines()]
    assert {row["key"] for row in rows} == {json.loads(line)["key"] for line in stored.splitlines()}
    assert main([*args, "--samples", "2"]) == 0
    assert "0 of 6 answers drawn now" in capsys.readouterr().out
    assert main([*args, "--samples", "3", "--json", "scores.json"]) == 0
    assert "3 of 9 answers drawn now" in capsys.readouterr().out
    assert (tmp_path / "evals" / "tiny" / "replies.jsonl").read_text().startswith(stored)
    assert sum(json.loads((tmp_path / "scores.json").read_text())["problems"]["sample"]["answers"].values()) == 9
    assert main([*args, "--greedy", "--out", "other"]) == 0
    assert "1 greedy per problem" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["replies.jsonl", "sample.jsonl"]


def test_who_interrupts_is_told_how_to_go_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    from agents.samplers.transformers import TransformersSampler

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TransformersSampler, "generate", interrupted)
    assert main(["eval", "tiny", "--benchmark", "sample", *QUICK]) == 130
    assert "0 replies are stored in evals/tiny; the same command typed again goes on" in capsys.readouterr().out


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


def test_a_judge_scores_answers_anew_and_stands_in_the_row(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """The share of answers in capitals, counted once more in the stored replies; another judge reads the same replies."""
    asked = [{"env_id": CHALLENGE, "task": {"instruction": text}} for text in ("use only uppercase", "use exactly 2 words")]
    tasks, out, found = rows(tmp_path / "t.jsonl", *asked), tmp_path / "out", tmp_path / "f.json"
    command = ["eval", "tiny", "--tasks", tasks, "--samples", "4", "--max-new-tokens", "64", *QUICK, "--out", str(out)]
    assert main([*command, "--json", str(found), "--judge", "styled:style=capitals,weight=1"]) == 0
    row = json.loads(found.read_text())
    assert row["judge"] == "styled:style=capitals,weight=1"
    [path] = [path for path in out.glob("*.jsonl") if path.name != STORE]
    replies = [json.loads(line)["reply"] for line in path.read_text().splitlines()]
    answers = [re.search(r"```answer\n(.*)\n```", reply, re.DOTALL) for reply in replies]
    capitals = [float(answer is not None and answer[1].isupper()) for answer in answers]
    assert [score for scores in row["problems"][CHALLENGE]["by_answer"] for score in scores] == capitals
    assert 0 < sum(capitals) < len(capitals)
    assert row[f"{CHALLENGE}/score"] == row[f"{CHALLENGE}/pass@1"] == sum(capitals) / len(capitals)
    capsys.readouterr()
    assert main([*command, "--json", str(found), "--judge", "rules"]) == 0
    assert "0 of 8 answers drawn now" in capsys.readouterr().out
    again = json.loads(found.read_text())
    assert again["judge"] == "rules"
    assert again["problems"][CHALLENGE]["by_answer"] != row["problems"][CHALLENGE]["by_answer"]


def test_a_judge_that_nobody_asks_is_refused(capsys: pytest.CaptureFixture[str]):
    assert "judge='rules' is asked by no game of tasks='tiny'" in refused(capsys, "eval", "tiny", "--judge", "rules")
    wrong = ("eval", "tiny", "--tasks", "tiny-instructions", "--judge", "styled:weight=3")
    assert "weight=3.0 is not between 0 and 1" in refused(capsys, *wrong)
