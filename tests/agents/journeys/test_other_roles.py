"""A run of a game whose roles have names of its own: scores, exports, metrics and displays know who answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.cli.main import main
from agents.config.run import GameMix, TrainConfig
from agents.display.lines import proposal_line
from agents.display.plots import solve_curves
from agents.runs.rows import read_rows
from agents.training.loop import train
from selfplay_envs import read_episodes
from tests.helpers.exam_game import EXAM


def test_a_run_of_an_examiner_and_students(
    letters_run: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = tmp_path / "exam.jsonl"
    tasks.write_text("".join(json.dumps({"env_id": EXAM, "task": {"letter": letter}}) + "\n" for letter in "xyz"))
    config = replace(
        letters_run,
        games=(GameMix(env_id=EXAM, kwargs={"attempts": 3}, fresh=6, replay=2),),
        evaluation=replace(letters_run.evaluation, tasks=str(tasks)),
        learner=replace(letters_run.learner, lora_rank=2, adapters="per-role"),
        steps=3,
        episodes_every=1,
    )
    checkpoint = train(config, tmp_path / "run")
    assert {path.name for path in (checkpoint / "adapters").iterdir()} == {"examiner", "student"}
    rows, evaluations = read_rows(tmp_path / "run" / "metrics.jsonl"), read_rows(tmp_path / "run" / "eval.jsonl")
    assert [row["problems"][EXAM]["samples"] for row in evaluations] == [2, 2]
    assert f"{EXAM}/pass@1" in evaluations[-1]
    assert "student/exam/solve_rate" in rows[-1]
    assert "examiner/exam/solve_rate" not in rows[-1]
    assert [name for name, *_ in solve_curves(rows)] == ["exam"]
    episodes = [one for path in (tmp_path / "run" / "episodes").iterdir() for one in read_episodes(path)]
    proposed = [one for one in episodes if one.proposed is not None]
    assert all(one.proposal_key == str((one.proposed or {})["letter"]).lower() for one in proposed)
    distinct = {one.proposal_key for one in read_episodes(tmp_path / "run" / "episodes" / "step_000003.jsonl")} - {""}
    assert rows[-1].get(f"{EXAM}/distinct", 0) == len(distinct)
    fresh = [one for one in episodes if "task" not in one.options]
    assert all((proposal_line(one) or "").startswith("exam: ") for one in fresh)
    assert not any(proposal_line(one) for one in episodes if "task" in one.options)
    assert main(["report", str(tmp_path / "run")]) == 0
    report = capsys.readouterr().out
    assert "examiner" in report
    assert "student" in report
    assert "proposals of programs" not in report
