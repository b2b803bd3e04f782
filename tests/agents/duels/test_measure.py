"""`selfplay eval --against`: two models, or a model and a file, a judge of one's own, and the null."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from agents.cli.main import main
from agents.tiny.folder import TINY_MODEL
from tests.helpers.program import refused

JUDGE = '''
from selfplay_envs import Score

class Longer:
    """Likes long answers; has no word on requests about the moon."""
    name = "longer"

    def score(self, items):
        return [self.one(item) for item in items]

    def one(self, item):
        with open("asked.txt", "a") as file:
            file.write("x")
        if "moon" in item.messages[-1].content:
            return Score(values=(0.0, 0.0), reason="unreadable")
        return Score(values=tuple(float(len(answer)) for answer in item.answers))
'''
ROWS = [
    {"instruction": "Name a star.", "dataset": "koala", "output": ""},
    {"instruction": "Name a river.", "dataset": "vicuna", "output": "x" * 5_000},
    {"instruction": "Describe the moon.", "dataset": "vicuna", "output": "Grey."},
]
QUICK = ("--device", "cpu", "--max-new-tokens", "8", "--style", "terse")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where one works: a judge of one's own and rows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "longer_judge.py").write_text(JUDGE)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def measured(*args: str) -> list[dict[str, Any]]:
    scores = Path("scores.json")
    given = ("--benchmark", "alpacaeval:path=rows.jsonl", "--judge", "longer_judge:Longer", "--json", str(scores))
    assert main(["eval", "tiny", *given, *QUICK, *args]) == 0
    return [json.loads(line) for line in scores.read_text().splitlines()]


def test_against_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    [row] = measured("--against", "rows.jsonl")
    whole, *subsets = row["win_rates"]
    # longer than nothing, shorter than 5,000 characters; of the moon nothing is known
    assert (whole["counted"], whole["left_out"], whole["wins"], whole["ties"], whole["losses"]) == (2, 1, 1, 0, 1)
    assert (whole["rate"], whole["position_bias"], whole["unknown"]) == (0.5, 0.0, {"unreadable": 2})
    assert [(one["subset"], one["counted"], one["rate"]) for one in subsets] == [("koala", 1, 1.0), ("vicuna", 1, 0.0)]
    assert (row["model"], row["against"], row["null"], row["over_null"]) == ("tiny", "rows.jsonl", None, None)
    assert [one["subset"] for one in row["requests"]] == ["koala", "vicuna", "vicuna"]
    shown = " ".join(capsys.readouterr().out.split())
    assert "the null of these numbers is not known" in shown
    assert "1 of 3 requests do not count" in shown


def test_against_a_model_it_is_compared_with_itself_too_and_nothing_is_asked_twice(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    other = folder / "another"
    shutil.copytree(TINY_MODEL, other, ignore=shutil.ignore_patterns("*.py", "*.jsonl", "__pycache__"))
    [row] = measured("--against", str(other), "--temperature", "1")
    assert row["null"][0]["counted"] == 2
    assert row["over_null"] is not None
    # the same weights and seeds: the model's answers are the other's first ones
    assert all(one["length"] == one["other_length"] for one in row["requests"])
    assert (row["win_rates"][0]["ties"], row["win_rates"][0]["rate"]) == (2, 0.5)
    shown = " ".join(capsys.readouterr().out.split())
    assert "against itself, judged by" in shown
    assert "Rate over the null" in shown
    asked = (folder / "asked.txt").read_text()
    [again] = measured("--against", str(other), "--temperature", "1")
    assert again == row
    moons = 2 * 2  # what could not be said is asked again: both orders, of the model and of the null
    assert len((folder / "asked.txt").read_text()) - len(asked) <= moons


def test_wrong_commands_get_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    bench = ("--benchmark", "alpacaeval:path=rows.jsonl")
    assert "no answer to its requests is right or wrong" in refused(capsys, "eval", "tiny", *bench)
    assert "needs a judge" in refused(capsys, "eval", "tiny", *bench, "--against", "rows.jsonl")
    assert "--against MODEL|FILE" in refused(capsys, "eval", "tiny", *bench, "--judge", "rules")
