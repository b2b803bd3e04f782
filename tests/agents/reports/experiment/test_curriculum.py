"""The section about proposals: its trends are those of the runs, and a sample that was solved is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agents.analysis.curriculum.solved import Solved
from agents.experiments.findings.findings import find
from agents.experiments.results import load_results
from agents.reports.experiment.curriculum import curriculum_section
from agents.reports.style import Looks
from tests.helpers.planted_experiment import Planted, write_experiment


def test_trends_by_arm_and_what_was_solved_anew(tmp_path: Path) -> None:
    write_experiment(tmp_path, Planted(), ("base", "self-play", "frozen"), models=True)
    found = find(load_results(tmp_path))
    section = curriculum_section(found, Looks())
    assert section is not None
    rows = {(row[0], row[1]): row[5] for row in section.tables[0].rows}
    assert rows["frozen", "solved by own panel"] == "rising"  # planted: from 0.56 to 0.8
    assert rows["self-play", "solved by own panel"] == "neither"
    assert "proposal-difficulty-anew" not in [picture.name for picture in section.pictures]
    solved = [
        Solved(step=step, group="g", own=0.5, own_score=0.5, base=step / 200, base_score=0.5, final=0.5, final_score=0.5)
        for step in (20, 100)
    ]
    curricula = {
        arm: {seed: replace(run, solved=solved) for seed, run in runs.items()} for arm, runs in found.curricula.items()
    }
    anew = curriculum_section(replace(found, curricula=curricula), Looks())
    assert anew is not None
    [picture] = [one for one in anew.pictures if one.name == "proposal-difficulty-anew"]
    assert [row[2:4] for row in picture.data if row[:2] == ("frozen", "base")] == [(20, 0.1), (100, 0.5)]
    assert any(row[1] == "the sample, by base model" for row in anew.tables[0].rows)


def test_experiments_without_proposals_have_no_such_section(tmp_path: Path) -> None:
    write_experiment(tmp_path, Planted(), ("base", "rlvr"), models=True)
    assert curriculum_section(find(load_results(tmp_path)), Looks()) is None
