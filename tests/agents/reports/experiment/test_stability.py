"""The section on the health of an experiment's runs."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from agents.analysis.finished_runs import FinishedRun
from agents.analysis.stability.alarms import stability_of
from agents.reports.experiment.stability import stability_section
from agents.reports.page import Page, Section
from agents.reports.style import Looks
from agents.reports.text import markdown_of
from tests.helpers.planted_runs import Plant, planted_run, run_of


def section_of(runs: Sequence[FinishedRun]) -> Section | None:
    findings: Any = SimpleNamespace(stability=stability_of(runs))
    return stability_section(findings, Looks())


def test_alarms_by_arm_and_seed_with_pictures_and_data() -> None:
    plant = Plant(changes={("length", "solver"): lambda level, now: level if now < 30 else 90.0}, seed=1)
    section = section_of([planted_run(), planted_run(plant)])
    assert section is not None
    text = markdown_of(Page(title="T", sections=[section]))
    assert "| planted | 2 | 1 |" in text
    assert "| planted-1 | 30 | length explodes | solver | length is " in text
    assert [picture.name for picture in section.pictures] == ["stability-earned", "stability-form"]
    lengths = [row for row in section.pictures[1].data if row[1:4] == ("length", "solver", 30)]
    assert len(lengths) == 1
    assert float(lengths[0][4]) > 40  # the mean of 20 and of 90
    assert "reward" in {row[1] for row in section.pictures[0].data}


def test_what_is_not_watched_is_said_and_no_run_is_no_section() -> None:
    section = section_of([run_of(planted_run().rows)])
    assert section is not None
    words = "Not watched in all arms: reward drifts (solver): evaluations on held-out problems: 0"
    assert any(line.startswith(words) for line in section.text)
    assert len(section.tables) == 1
    assert section_of([]) is None
