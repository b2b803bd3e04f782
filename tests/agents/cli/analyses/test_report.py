"""`selfplay report`: tables and plot of a run, one sentence for anything else."""

from pathlib import Path

import pytest

from agents.cli.main import main
from tests.helpers.planted_experiment import Planted, write_experiment
from tests.helpers.program import refused
from tests.helpers.run_rows import write_run


def test_the_report_says_where_the_seconds_went(run_dir: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(run_dir)]) == 0
    shown = capsys.readouterr().out
    for words in ("Where a step's seconds went", "of it generate", "of it verify", "update", "tokens sampled a second"):
        assert words in shown


def test_report_prints_tables_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_run(tmp_path / "a_run")
    assert main(["report", str(folder)]) == 0
    shown = capsys.readouterr().out
    for words in (
        "mean of steps 1 to 3 -> mean of steps 5 to 7",
        "0.20 -> 0.60",
        "pass@4",
        "0.188",
        "0.438",
        "+0.250",
        "plot.png",
    ):
        assert words in shown
    assert (folder / "plot.png").is_file()


def test_report_of_something_else_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no config.json" in capsys.readouterr().err
    (tmp_path / "config.json").write_text('{"architectures": []}')
    assert main(["report", str(tmp_path)]) == 2
    assert "holds a model, not a run" in capsys.readouterr().err


def test_several_runs_are_compared_by_another_verb(capsys: pytest.CaptureFixture[str]):
    assert "2 folders are named" in refused(capsys, "report", "a", "b")


def test_the_page_of_an_experiment(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "azr"
    write_experiment(folder, Planted(), ("base", "sft"), models=True)
    assert main(["report", str(folder), "--out", str(tmp_path / "page")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "undecided Self-play solves more than the base model with one sample." in shown
    assert "pass@k on held out problems" in (tmp_path / "page" / "index.html").read_text()
    text = (tmp_path / "page" / "README.md").read_text()
    assert "(pass-at-k-held-out.png)" in text
    assert (tmp_path / "page" / "pass-at-k-held-out.png").is_file()


def test_last_models_are_asked_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The planted model is the base itself: its replies, entropies and uncertain tokens are the base's."""
    folder = tmp_path / "azr"
    write_experiment(folder, Planted(), ("base", "sft"), models=True)
    assert main(["report", str(folder), "--prompts", "2"]) == 0
    assert "6 prompts x 4 replies of each model" in " ".join(capsys.readouterr().out.split())
    text = (folder / "report" / "README.md").read_text()
    rows = [line.split("|")[1:-1] for line in text.splitlines() if " solver/deduction " in line]
    assert [row[0].strip() for row in rows] == ["base", "sft"]
    assert rows[0][1:] == rows[1][1:]
    assert "| sft | its own | +0.000 | 1.00 |" in text
    assert main(["report", str(folder), "--prompts", "0"]) == 0
    assert "token by token" not in (folder / "report" / "README.md").read_text()


def test_an_experiment_without_results_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_experiment(tmp_path, Planted(), ("none",))
    assert "has no result of any cell yet" in refused(capsys, "report", str(tmp_path))


def test_a_page_is_of_experiments_alone(run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert "leave it out" in refused(capsys, "report", str(run_dir), "--out", str(tmp_path))
    assert "prompts='3' is for the page of an experiment" in refused(capsys, "report", str(run_dir), "--prompts", "3")


def test_proposals_are_solved_anew_by_first_and_last_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The planted last model is the base itself, so that both solve as much; frozen arms' proposals are all one task."""
    folder = tmp_path / "azr"
    write_experiment(folder, Planted(), ("base", "frozen"), models=True)
    assert main(["report", str(folder), "--prompts", "0", "--proposals", "5"]) == 0
    text = (folder / "report" / "README.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "| the sample, by" in line]
    assert [row[1] for row in rows] == ["the sample, by own panel", "the sample, by base model", "the sample, by last model"]
    assert rows[1][2:] == rows[2][2:]
    assert (folder / "frozen" / "seed-0" / "measured" / "curriculum.json").is_file()
    capsys.readouterr()
    assert main(["report", str(folder), "--prompts", "0", "--proposals", "0"]) == 0
    assert "| the sample" not in (folder / "report" / "README.md").read_text()
    assert "proposals=-1 must be at least 0" in refused(capsys, "report", str(folder), "--prompts", "0", "--proposals", "-1")
