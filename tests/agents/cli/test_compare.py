"""The verb `compare`: what is refused, printed, and said at the end."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from agents.cli import compare as module
from agents.cli.main import main
from agents.experiments.grid import GridState
from tests.helpers.program import refused


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("azz",), "experiment='azz' is not known; did you mean 'azr'?; choose azr or lsp."),
        (("azr", "--judge", "rules"), "judge='rules': azr counts right answers, which no judge gives"),
        (("lsp", "--judge", "rules"), "judge='rules' is for other models than tiny"),
        (("lsp", "--benchmark", "alpacaeval"), "benchmark='alpacaeval' is for other models than tiny"),
        (("lsp", "--model", "x/y", "--benchmark", "alpacaeval"), "judge='' with model='x/y'"),
        (("lsp", "--model", "x/y", "--judge", "rules"), "benchmark='' with model='x/y'"),
        (("lsp", "--model", "x/y", "--benchmark", "alpacaeval", "--judge", "rulez"), "'rulez' is not known"),
        (("lsp", "--only", "lsp-then-lr"), "only='lsp-then-lr' is no arm of this comparison; did you mean 'lsp-then-rl'?"),
        (("azr", "--fast", "--full"), "fast and full are both given"),
        (("azr", "--seeds", "0"), "seeds=0 must be at least 1."),
        (("azr", "--jobs", "-1"), "jobs=-1 must be at least 1"),
        (("azr", "--only", "self-pley"), "only='self-pley' is no arm of this comparison; did you mean 'self-play'?"),
        (("azr", "--benchmark", "gsm9k"), "'gsm9k'"),
        (("azr", "--benchmark", "gsm9k:path=a.jsonl"), "'gsm9k:path=a.jsonl' is not known"),
        (("azr", "--benchmark", "missing.jsonl"), "benchmark='missing.jsonl' is no file"),
        (("azr", "--benchmark", "gsm8k", "--fast", "--model", "x/y"), "fast=True is a short form for the tiny model"),
        (("azr", "--only", "sft-tuned"), "only='sft-tuned' is no arm of this comparison"),
        (("azr", "--model", "Qwen/Qwen2.5-Coder-3B"), "benchmark='' with model='Qwen/Qwen2.5-Coder-3B'"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_anything_is_written(
    args: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in refused(capsys, "compare", *args)
    assert not list(tmp_path.iterdir())


def test_it_prints_what_it_would_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "azr", "--print", "--fast", "--matching", "answers", "--seeds", "3"]) == 0
    data = tomllib.loads(capsys.readouterr().out)
    assert data["budget"] == {"steps": 40, "tokens_per_step": 3_000, "counted": "answers"}
    assert [(arm["name"], arm["seeds"]) for arm in data["arms"]][1:3] == [("sft", [0, 1, 2]), ("rlvr", [0, 1, 2])]


def test_it_prints_two_stages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "lsp", "--print"]) == 0
    data = tomllib.loads(capsys.readouterr().out)
    [arm] = [arm for arm in data["arms"] if arm["name"] == "lsp-then-rl"]
    half = data["budget"]["steps"] // 2
    assert (arm["start"], arm["config"]["steps"]) == ({"arm": "lsp", "step": half}, half)
    assert data["measure"]["style"]["judge"] == "styled:style=repetition,weight=1"
    assert "start" not in data["arms"][0]


def test_the_first_stage_is_run_with_the_second() -> None:
    command = module.Compare("lsp", only="lsp-then-rl")
    assert module.arms_of(command, module.experiment_of(command)) == ("lsp-then-rl", "lsp")


def test_folders_of_other_experiments_are_others() -> None:
    def folder(**typed: Any) -> str:
        return str(module.default_folder(module.Compare("azr", **typed)))

    assert folder() == folder(full=True) == "comparisons/azr"  # a grid can be made a full one
    assert folder(fast=True) == "comparisons/azr-fast"
    assert folder(fast=True, matching="answers") == "comparisons/azr-fast-answers"
    assert folder(model="Qwen/Qwen3-8B", benchmark="gsm8k") == "comparisons/azr-Qwen_Qwen3-8B"


class DoneGrid:
    """Fails its first cell, and has done all others."""

    given: dict[str, Any] = {}

    def __init__(self, experiment: Any, cells: Any, out: Path, **more: Any) -> None:
        from agents.experiments.grid import CellState

        DoneGrid.given = {"cells": [cell.name for cell in cells], **more}
        self.state = GridState(cells=[CellState(cell, "done") for cell in cells])

    def run(self) -> GridState:
        if DoneGrid.given["cells"][0] == "base/seed-0":
            raise KeyboardInterrupt
        self.state.cells[0].status, self.state.cells[0].reason = "failed", "selfplay: no room."
        return self.state


def test_failed_cells_are_named_with_their_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "Grid", DoneGrid)
    monkeypatch.setattr(module, "cores", lambda: 6)
    out = str(tmp_path / "out")
    args = ["compare", "azr", "--out", out, "--only", "sft,rlvr", "--seeds", "1", "--jobs", "2"]
    assert main(args) == 1
    said = capsys.readouterr().out
    assert "1 of 2 cells done, 1 failed" in said
    assert f"sft/seed-0 failed: selfplay: no room. (all of it: {out}/sft/seed-0/log.txt)" in " ".join(said.split())
    assert "Weight decay is 0 in every arm" in " ".join(said.split())
    assert DoneGrid.given["cells"] == ["sft/seed-0", "rlvr/seed-0"]
    assert (DoneGrid.given["jobs"], DoneGrid.given["threads"]) == (2, 3)
    assert (tmp_path / "out" / "experiment.json").is_file()


def test_an_interrupted_comparison_says_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "Grid", DoneGrid)
    args = ["compare", "azr", "--out", str(tmp_path), "--only", "base"]
    assert main(args) == 130
    said = capsys.readouterr().out
    assert "Interrupted; every run is saved. To go on, type:" in said
    assert f"selfplay {' '.join(args)}" in " ".join(said.replace("\\\n", " ").split())
