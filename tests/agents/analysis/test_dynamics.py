"""Points of runs that were evaluated, and the laws fitted to them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from agents.analysis.dynamics import ALL_ARMS, WHOLE, Point, laws_of, points_of
from agents.analysis.finished_runs import read_runs
from selfplay_envs import UsageError
from tests.helpers.token_runs import write_token_run


def evaluation(step: int, solved: float, k: int = 4) -> dict[str, Any]:
    return {"step": step, "all/pass@1": solved, "all/pass@2": solved + 0.1, f"all/pass@{k}": solved + 0.2}


def test_a_point_has_the_entropy_of_the_weights_that_were_evaluated(tmp_path: Path) -> None:
    """Five steps: after 0 updates the row of step 1, after 3 that of step 4, and after the last the last one."""
    rows = [evaluation(step, 0.1 * step) for step in (0, 3, 5)]
    [run] = read_runs([write_token_run(tmp_path / "run", steps=(), evaluations=rows)])
    points = points_of(run, unchanged={3: 0.25})
    assert [point.entropy for point in points] == [1.0, 0.7, 0.6]
    assert points[1].by_role == {"proposer": pytest.approx(0.84), "solver": pytest.approx(0.63)}
    assert [(point.step, point.k, point.pass_1, point.pass_k) for point in points][1] == (
        3,
        4,
        pytest.approx(0.3),
        pytest.approx(0.5),
    )
    assert [point.unchanged for point in points] == [None, 0.25, None]
    wider = points_of(run, window=2)
    assert wider[1].entropy == pytest.approx((0.7 + 0.6) / 2)  # steps 4 and 5
    with pytest.raises(UsageError, match=r"unchanged: step 4 of run=.* was not evaluated; give shares of these steps: 0, 3, 5"):
        points_of(run, unchanged={3: 0.25, 4: 0.5})
    with pytest.raises(ValueError, match="window=0"):
        points_of(run, window=0)


def test_a_run_without_evaluations_is_one_sentence(tmp_path: Path) -> None:
    [run] = read_runs([write_token_run(tmp_path / "run", steps=())])
    with pytest.raises(UsageError, match=r"has no evaluation in eval\.jsonl; train with evaluation\.tasks"):
        points_of(run)


def point(run: int, step: int, entropy: float, **changes: Any) -> Point:
    solved = 0.6 - 0.2 * math.exp(entropy)
    values: dict[str, Any] = {
        "run": f"run-{run}",
        "arm": "one" if run < 2 else "two",
        "seed": run,
        "step": step,
        "entropy": entropy,
        "by_role": {"proposer": 2 * entropy, "solver": entropy},
        "pass_1": solved,
        "pass_k": solved + 0.1,
        "k": 4,
    }
    return Point(**{**values, **changes})


POINTS = [point(run, step, 0.5 - 0.1 * step - 0.02 * run) for run in range(4) for step in range(3)]


def test_laws_of_all_arms_and_of_each_by_role() -> None:
    laws = {(law.score, law.entropy, law.arm): law for law in laws_of(POINTS)}
    assert len(laws) == 2 * 3 * 3
    for score, ceiling in (("pass@1", 0.4), ("pass@k", 0.5)):
        for arm, runs in ((ALL_ARMS, 4), ("one", 2), ("two", 2)):
            for entropy in (WHOLE, "solver"):
                fit = laws[score, entropy, arm].fit
                assert fit is not None
                assert (fit.runs, fit.a.value, fit.ceiling.value) == (runs, pytest.approx(0.2), pytest.approx(ceiling))
    by_proposer = laws["pass@1", "proposer", ALL_ARMS].fit
    assert by_proposer is not None
    assert by_proposer.r2 < 1.0


def test_given_replies_are_not_the_policys_own_and_too_few_points_are_said() -> None:
    taught = [point(9, step, 0.1 * step, arm="sft", pass_1=0.9, given=True) for step in range(5)]
    laws = {(law.score, law.entropy, law.arm): law for law in laws_of([*POINTS, *taught])}
    assert "sft" not in {arm for _, _, arm in laws}
    assert laws["pass@1", WHOLE, ALL_ARMS].fit == laws_of(POINTS)[0].fit
    [few, *_] = laws_of(POINTS[:3])
    assert few.fit is None
    assert few.reason.startswith("points: 3 with an entropy and a score are too few")


def test_pass_at_k_of_different_k_is_not_mixed() -> None:
    mixed = [*POINTS, point(5, 0, 0.3, k=8)]
    laws = {(law.score, law.entropy, law.arm): law for law in laws_of(mixed)}
    assert laws["pass@k", WHOLE, ALL_ARMS].reason == "the evaluations have different k: 4, 8."
    assert laws["pass@1", WHOLE, ALL_ARMS].fit is not None
