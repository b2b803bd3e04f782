"""`selfplay analyze pass-at-k` on samples of any trainer, on rows of `selfplay eval`, and on runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.cli.analyses.pass_at_k import read_arms
from agents.cli.main import main
from tests.helpers.program import refused
from tests.helpers.simulated_arms import Mix, draw_answers

SAMPLES = 16


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A base and three seeds of an arm that is right more often; and the same as rows."""
    answers = draw_answers(Mix(0.1, 0.3, 0.1, gain=2.0), 3, 30, SAMPLES, np.random.default_rng(0))
    write_samples(tmp_path / "base.jsonl", answers.base_P, answers.clusters)
    for seed, right_P in enumerate(answers.trained_SP):
        write_samples(tmp_path / f"rl/seed-{seed}.jsonl", right_P, answers.clusters)
    arms = {"tiny": answers.base_P, "runs/rl": answers.trained_SP[0]}
    rows = [{"model": name, "step": 0, **row_of(right_P, answers.clusters)} for name, right_P in arms.items()]
    (tmp_path / "models.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "run").mkdir()
    steps = [{"step": step, **row_of(right_P, answers.clusters)} for step, right_P in zip((0, 50), arms.values(), strict=True)]
    (tmp_path / "run" / "eval.jsonl").write_text("".join(json.dumps(row) + "\n" for row in steps))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def write_samples(path: Path, right_P: np.ndarray, programs: Sequence[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    rows = [
        {"problem": f"p{number}", "correct": sample < right, "program": program}
        for number, (right, program) in enumerate(zip(right_P.tolist(), programs, strict=True))
        for sample in range(SAMPLES)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def row_of(right_P: np.ndarray, programs: Sequence[str]) -> dict[str, Any]:
    return {"problems": {"Game": {"right": right_P.tolist(), "samples": SAMPLES, "programs": list(programs)}}}


def test_tables_at_80_columns_a_picture_and_the_numbers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("analyze pass-at-k base.jsonl rl/seed-*.jsonl --names tiny,rl --plot c.png --json c.json".split()) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    [numbers] = json.loads((folder / "c.json").read_text())
    for point in numbers["points"]:
        one = point["difference"]
        assert f"{one['mean']:+.3f}  {one['low']:+.3f} to {one['high']:+.3f}" in shown
    for words in (
        f"rl against tiny: {numbers['problems']} problems about 30 programs, 16 samples each, 3 seeds",
        "rl does not fall from above tiny to below it between k=1 and k=8.",
        "Problems with a right answer among 16 samples",
        "Intervals: 95 %, over seeds and problems: t with one degree of freedom fewer than there are seeds (Welch's where two",
    ):
        assert words in " ".join(shown.split())
    assert "one seed" not in shown
    assert (numbers["samples"], numbers["trained_seeds"]) == (16, ["seed 0", "seed 1", "seed 2"])
    assert numbers["points"][0]["base"]["variance_of_a_seed"] is None  # not NaN, which is not JSON
    assert (folder / "c.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_answers_from_files_of_samples_rows_and_runs(folder: Path) -> None:
    found = []
    for arms in (["base.jsonl", "rl/seed-0.jsonl"], ["models.jsonl"], ["models.jsonl@tiny", "models.jsonl@runs/rl"], ["run"]):
        base, trained = read_arms(arms)
        found.append((base.right_SP.tolist(), trained.right_SP.tolist(), base.programs, trained.samples))
    assert found[0] == found[1] == found[2] == found[3]


def test_names_are_those_of_models_files_and_folders(folder: Path) -> None:
    names = {
        "models.jsonl": ["tiny", "runs/rl"],
        "run": ["run@first", "run"],
        "base.jsonl rl/seed-*.jsonl": ["base", "rl"],
        "base.jsonl rl/seed-0.jsonl rl/seed-1.jsonl": ["base", "seed-0", "seed-1"],
        "run@0 run@50": ["run@0", "run@50"],
        "base.jsonl base.jsonl": ["1 base", "2 base"],
        "run/eval.jsonl@0 base.jsonl": ["run@0", "base"],
    }
    for arms, expected in names.items():
        found = [arm.name for arm in read_arms(arms.split())]
        assert found == expected, arms


def test_several_arms_and_a_single_seed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main("analyze pass-at-k base.jsonl rl/seed-0.jsonl rl/seed-1.jsonl --k 1 8".split()) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "seed-0 against base" in shown
    assert "seed-1 against base" in shown
    assert "speaks of that one model" in shown
    assert "over seeds and problems" not in shown


def test_problems_of_one_arm_alone_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (folder / "base.jsonl").read_text().splitlines()[: 20 * SAMPLES]
    (folder / "less.jsonl").write_text("".join(json.dumps({**json.loads(line), "program": ""}) + "\n" for line in lines))
    assert main("analyze pass-at-k less.jsonl rl/seed-0.jsonl".split()) == 0
    assert "less has 20 problems and seed-0" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ("", "arms: none is named; type BASE TRAINED"),
        ("base.jsonl", "arms='base.jsonl' is only one; name the base first and then what was trained, as BASE TRAINED."),
        ("base.jsonl no.jsonl", "there is no file or folder 'no.jsonl'"),
        ("base.jsonl rl/seed-0.jsonl --names a", "names='a' must be 2 different ones, that of the base first."),
        ("base.jsonl rl/seed-0.jsonl --names a,a", "names='a,a' must be 2 different ones"),
        ("base.jsonl rl/seed-0.jsonl --k 9", "k=9 must be from 1 to half of the 16 samples per problem; choose up to 8"),
        ("base.jsonl run", "have no problem in common (such as 'p0' and 'Game/0')"),
        ("base.jsonl models.jsonl", "does not say which row of models.jsonl is meant; write models.jsonl@ and a model: tiny, "),
        ("base.jsonl rl/seed-0.jsonl --plot no/c.png", "plot='no/c.png' cannot be written"),
        ("base.jsonl rl/seed-0.jsonl --plot c.gif", "plot='c.gif' must end in .png, .svg, .pdf."),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str], args: str, sentence: str) -> None:
    assert sentence in refused(capsys, "analyze", "pass-at-k", *args.split())


def test_names_that_are_formulas_or_hidden_to_matplotlib_are_drawn(folder: Path) -> None:
    arms = ["base.jsonl", "rl/seed-*.jsonl", "--names", r"_base,a$\foo$"]
    for ending in ("png", "svg"):
        assert main(["analyze", "pass-at-k", *arms, "--plot", f"c.{ending}"]) == 0
        assert (folder / f"c.{ending}").stat().st_size > 5_000
