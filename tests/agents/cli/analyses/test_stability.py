"""`selfplay analyze stability` at 80 columns, its exit codes, its files, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agents.cli.main import main
from tests.helpers.planted_runs import Plant, planted_run
from tests.helpers.program import refused

LONG = Plant(changes={("length", "solver"): lambda level, now: level if now < 30 else 90.0})


def write_run(folder: Path, plant: Plant) -> Path:
    run = planted_run(plant)
    config = replace(run.config, lanes=1 + len(plant.changes))  # what is changed is no seed of what is not
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config.to_json()))
    for name, rows in (("metrics", run.rows), ("eval", run.evaluations)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_tables_alarms_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    runs = [write_run(Path(f"azr-{seed}"), Plant(seed=seed)).name for seed in range(2)]
    runs.append(write_run(Path("[long]"), LONG).name)
    assert main(["analyze", "stability", *runs, "--json", "s.json", "--plot", "s.png"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for words in ("azr: 2 seeds, 100 steps", "[long]", "length explodes", "Alarms: 1", "No alarm in azr-0, azr-1."):
        assert words in shown, words
    assert "Not watched" not in shown
    result = json.loads(Path("s.json").read_text())
    assert [(one["run"], one["step"], one["quantity"]) for one in result["alarms"]] == [("[long]", 30, "length")]
    series = {(one["quantity"], one["group"]): one for one in result["runs"][2]["series"]}
    assert len(series["length", "solver"]["values"]) == 100
    assert {one["seeds"] for one in result["means"] if one["arm"] == "azr"} == {2}
    assert Path("s.png").stat().st_size > 10_000


def test_strict_ends_with_1_where_there_is_an_alarm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    healthy, long = (str(write_run(tmp_path / name, plant)) for name, plant in (("well", Plant()), ("long", LONG)))
    assert main(["analyze", "stability", healthy, "--strict"]) == 0
    assert "No alarm in well." in capsys.readouterr().out
    assert main(["analyze", "stability", long]) == 0
    assert main(["analyze", "stability", long, healthy, "--strict"]) == 1


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run", Plant(steps=10))
    (folder / "eval.jsonl").unlink()
    assert main(["analyze", "stability", str(folder)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "No alarm in run." in shown
    assert "validity is lost (proposer, solver), replies do not end (proposer, solver), " in shown
    assert "reward drifts (solver): evaluations on held-out problems: 0" in shown


def test_what_cannot_be_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path / "run", Plant(steps=10))
    assert "run: none is named" in refused(capsys, "analyze", "stability")
    assert "must end in .png." in refused(capsys, "analyze", "stability", str(folder), "--plot", str(tmp_path / "x.svg"))
    (folder / "metrics.jsonl").write_text('{"step": "one"}\n')
    assert "has step='one'; was the file edited?" in refused(capsys, "analyze", "stability", str(folder))


def test_it_loads_no_torch() -> None:
    code = "import sys, agents.cli.analyses.stability, agents.analysis.stability.alarms; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
