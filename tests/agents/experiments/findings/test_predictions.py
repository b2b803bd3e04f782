"""Predictions of an experiment's runs; a run or group without one says why."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents.analysis.entropy.curves import WHOLE
from agents.analysis.entropy.recorded import predicted_changes
from agents.analysis.finished_runs import read_runs
from agents.experiments.findings import predictions
from agents.experiments.findings.predictions import predictions_of
from tests.helpers.token_runs import write_token_run


def test_every_run_and_group_is_predicted_or_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "SPAN", 1)
    [run] = read_runs([write_token_run(tmp_path / "run")])
    imitating = replace(run, name="imitating", config=replace(run.config, algorithm="sft"))
    told: list[str] = []
    found = predictions_of([run, imitating], told.append)
    assert told == ["episodes of run", "episodes of imitating"]
    expected = {change.group: change for change in predicted_changes(run, 1)}
    shown = {one.change.group: one.change for one in found.found}
    assert WHOLE in shown
    assert shown == {group: expected[group] for group in shown}
    assert {one.seed for one in found.found} == {run.config.seed}
    assert "imitates given or chosen replies" in found.missing["imitating"]
    assert set(expected) - set(shown) == {name.removeprefix("run, ") for name in found.missing if name != "imitating"}


def test_too_few_intervals_are_a_reason(tmp_path: Path) -> None:
    [run] = read_runs([write_token_run(tmp_path / "run")])
    found = predictions_of([run])  # fewer steps than three intervals of ten updates
    assert found.found == []
    assert all("record more steps" in reason or "too few" in reason for reason in found.missing.values())
