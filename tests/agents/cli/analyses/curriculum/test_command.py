"""`selfplay analyze curriculum` at 80 columns, its files, what it solves with the tiny model, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agents.cli.main import main
from selfplay_envs import Episode
from tests.helpers.planted_proposals import CHALLENGE, code_task, panel, planted, write_planted_run
from tests.helpers.program import refused

STEPS = (10, 20, 30)


def episodes_of(step: int, rng: np.random.Generator) -> list[Episode]:
    return [
        *(planted(code_task(int(rng.integers(9))), panel(1 - step / 50, rng), tokens=8) for _ in range(6)),
        planted(None, tokens=4),
    ]


def test_trends_of_an_arm_at_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    runs = [str(write_planted_run(Path(f"azr-{seed}"), episodes_of, seed=seed, steps=STEPS)) for seed in range(3)]
    assert main(["analyze", "curriculum", *runs, "--sample", "0", "--json", "c.json", "--plot", "c.png"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    words = " ".join(shown.split())
    assert "azr: 63 proposals, 54 of them valid, of 3 steps from 10 to 30; runs: 3" in words
    assert "95 % interval over seeds" in words
    assert "no model" not in words
    [arm] = json.loads(Path("c.json").read_text())["arms"]
    assert (arm["runs"], arm["trends"]["all"]["valid"]["change"]) == (["azr-0", "azr-1", "azr-2"], 0)
    assert arm["trends"]["all"]["solve_rate"]["direction"] == "falling"
    assert sum(arm["solve_rates"]["shares_by_step"]["10"]) == pytest.approx(1)
    assert Path("c.png").stat().st_size > 10_000


def test_base_and_last_model_solve_a_sample_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last model is the base itself, so that both solve the same; a second time nothing is asked."""
    run = write_planted_run(tmp_path / "run", episodes_of, steps=STEPS, model=True)
    typed = ["analyze", "curriculum", str(run), "--sample", "6", "--attempts", "2", "--short-cuts", "none"]
    assert main([*typed, "--out", str(tmp_path / "kept"), "--json", str(tmp_path / "1.json")]) == 0
    assert "the sample, by base model" in capsys.readouterr().out
    [arm] = json.loads((tmp_path / "1.json").read_text())["arms"]
    sample = arm["sample"]["run"]
    assert [one["step"] for one in sample] == [10, 10, 20, 20, 30, 30]
    assert all(one["base"] == one["final"] is not None for one in sample)
    assert not (run / "measured").exists()
    [kept] = (tmp_path / "kept").iterdir()
    data = json.loads(kept.read_text())
    [key] = data  # both models are one by content
    kept.write_text(json.dumps({key: [[0.25, 0.5]] * 6}))
    assert main([*typed, "--out", str(tmp_path / "kept"), "--json", str(tmp_path / "2.json")]) == 0
    [again] = json.loads((tmp_path / "2.json").read_text())["arms"]
    assert {(one["base"], one["final_score"]) for one in again["sample"]["run"]} == {(0.25, 0.5)}


def test_instructions_are_solved_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def challenges(_step: int, _rng: np.random.Generator) -> list[Episode]:
        return [planted({"instruction": "use only lowercase; use exactly 3 words"}, [0.5, 1.0], env_id=CHALLENGE)] * 2

    run = write_planted_run(tmp_path / "run", challenges, steps=STEPS, env_id=CHALLENGE, model=True)
    assert main(["analyze", "curriculum", str(run), "--sample", "3", "--attempts", "4", "--short-cuts", "none"]) == 0
    shown = capsys.readouterr().out
    assert "its score by last model" in shown
    assert "run: the sample, mean score" in shown
    assert (run / "measured" / "curriculum.json").is_file()


def test_a_run_without_a_kept_model_solves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_planted_run(tmp_path / "run", episodes_of, steps=STEPS)
    assert main(["analyze", "curriculum", str(run)]) == 0
    shown = capsys.readouterr().out
    assert "run: no model of it is kept, so that nothing is solved anew." in " ".join(shown.split())
    assert "the sample" not in shown


def test_what_cannot_be_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = str(write_planted_run(tmp_path / "empty", lambda *_: [], steps=STEPS))
    run = str(write_planted_run(tmp_path / "run", episodes_of, steps=STEPS, model=True))
    assert "run: none is named" in refused(capsys, "analyze", "curriculum")
    assert "holds no proposals" in refused(capsys, "analyze", "curriculum", empty)
    assert "sample=-1 must be at least 0" in refused(capsys, "analyze", "curriculum", run, "--sample", "-1")
    assert "attempts=0 must be at least 1" in refused(capsys, "analyze", "curriculum", run, "--attempts", "0")
    assert "must end in .png." in refused(capsys, "analyze", "curriculum", run, "--plot", str(tmp_path / "x.svg"))
    (tmp_path / "file").write_text("")
    taken = str(tmp_path / "file" / "kept")
    assert "cannot be written into" in refused(capsys, "analyze", "curriculum", run, "--out", taken)
    assert "cannot be written into" in refused(capsys, "analyze", "curriculum", run, "--out", str(tmp_path / "file"))
