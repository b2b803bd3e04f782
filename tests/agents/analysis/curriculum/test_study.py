"""Planted runs: what rises or falls by construction is found, at the right step, and what stays is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.analysis.curriculum.solved import Solved
from agents.analysis.curriculum.study import (
    ArmCurriculum,
    RunCurriculum,
    curricula_by_arm,
    curriculum_of,
    sample_by_step,
    shown_quantities,
)
from agents.analysis.finished_runs import read_runs
from selfplay_envs import Episode, UsageError
from tests.helpers.planted_proposals import CHALLENGE, CODE, code_task, panel, planted, write_planted_run


def harder(step: int, rng: np.random.Generator) -> list[Episode]:
    """Proposals that 80 % of the panel solve at the beginning, and 0.5 points fewer with every step."""
    return [planted(code_task(int(rng.integers(9_999))), panel(0.8 - 0.005 * step, rng), tokens=12) for _ in range(16)]


def flat(_step: int, rng: np.random.Generator) -> list[Episode]:
    return [planted(code_task(int(rng.integers(9_999))), panel(0.5, rng), tokens=12) for _ in range(16)]


def repeating(step: int, rng: np.random.Generator) -> list[Episode]:
    """From step 40 on, every proposal but one in five is the same."""
    return [planted(code_task(1 if step >= 40 and place % 5 else int(rng.integers(99_999)))) for place in range(20)]


def arm_of(
    folder: Path, episodes_of: Callable[[int, np.random.Generator], Sequence[Episode]], seeds: int, env_id: str = CODE
) -> ArmCurriculum:
    runs = [write_planted_run(folder / f"run-{seed}", episodes_of, seed=seed, env_id=env_id) for seed in range(seeds)]
    [arm] = curricula_by_arm([curriculum_of(run) for run in read_runs(runs)])
    return arm


@pytest.mark.parametrize(("seeds", "by"), [(1, "line"), (4, "seeds")])
def test_difficulty_that_rises_is_found_with_its_slope(tmp_path: Path, seeds: int, by: str) -> None:
    trend = arm_of(tmp_path, harder, seeds).trends["all"]["solve_rate"]
    assert (trend.direction, trend.by, trend.runs) == ("falling", by, seeds)
    assert trend.change == pytest.approx(-0.005 * 90, abs=0.12)
    assert trend.low is not None
    assert trend.high is not None
    assert trend.low <= -0.45 <= trend.high


def test_difficulty_that_stays_is_not(tmp_path: Path) -> None:
    arm = arm_of(tmp_path, flat, 4)
    assert arm.trends["all"]["solve_rate"].direction == "neither"
    assert arm.trends["all"]["tokens"].change == 0


def test_a_proposer_that_repeats_itself_is_seen_at_that_step(tmp_path: Path) -> None:
    arm = arm_of(tmp_path, repeating, 3)
    curve = arm.curves["all"]["distinct"]
    shares = dict(zip(curve.steps, (one.mean for one in curve.means), strict=True))
    assert all(shares[step] == 1 for step in (10, 20, 30))
    assert all(shares[step] == pytest.approx(0.25) for step in range(40, 101, 10))
    known = arm.curves["all"]["known"]
    assert [one.mean > 0.7 for one in known.means] == [step > 40 for step in known.steps]
    assert arm.trends["all"]["distinct"].change < -0.5


def test_instructions_whose_answers_are_partly_right(tmp_path: Path) -> None:
    def episodes_of(step: int, rng: np.random.Generator) -> list[Episode]:
        kinds = ["use only lowercase", f"use exactly {step} words", "use only lowercase; avoid the letter x"]
        return [planted({"instruction": text}, [0.5 + step / 1000] * 4, env_id=CHALLENGE) for text in kinds]

    arm = arm_of(tmp_path, episodes_of, 1, CHALLENGE)
    assert arm.trends["all"]["score"].change == pytest.approx(0.09)
    assert arm.trends["all"]["solve_rate"].change == 0
    assert arm.trends["all"]["tokens"].first == pytest.approx(30)  # of the rows
    assert "score" in shown_quantities([arm])
    assert [one.mean for one in arm.curves["all"]["operations"].means] == [3] * 10


def test_runs_without_proposals_are_refused(tmp_path: Path) -> None:
    def nothing(_step: int, _rng: np.random.Generator) -> list[Episode]:
        return []

    [run] = read_runs([write_planted_run(tmp_path / "run", nothing)])
    with pytest.raises(UsageError, match="holds no proposals"):
        curriculum_of(run)


def solved(step: int, base: float | None, final: float) -> Solved:
    return Solved(step=step, group="g", own=0.5, own_score=0.5, base=base, base_score=base, final=final, final_score=final)


def test_the_sample_by_step_and_its_trend(tmp_path: Path) -> None:
    arm = arm_of(tmp_path, flat, 2)
    samples = [
        [solved(10, 0.2, 0.4), solved(10, 0.4, 0.6), solved(100, 0.1, 0.5), solved(100, None, 0.5)],
        [solved(10, 0.5, 0.5), solved(100, 0.2, 0.5)],
    ]
    runs: list[RunCurriculum] = [replace(run, solved=one) for run, one in zip(arm.runs, samples, strict=True)]
    [both] = curricula_by_arm(runs)
    assert {step: one.mean for step, one in sample_by_step(both, "base").items()} == pytest.approx({10: 0.4, 100: 0.15})
    assert both.trends["all"]["base"].change == pytest.approx(-0.25)
    assert both.trends["all"]["base"].by == "seeds"
    [alone] = curricula_by_arm(runs[:1])
    of_proposals = sample_by_step(alone, "base")
    assert of_proposals[10].low is not None  # over its two proposals
    assert of_proposals[100].low is None
    assert alone.trends["all"]["base"].by == "line"
    assert "base_score" not in shown_quantities([alone])
