"""What an arm really had, from rows made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.experiments.designs.azr import azr
from agents.experiments.experiment import Budget
from agents.experiments.records import cells_of_table, headings, realised
from agents.experiments.results import CellResult

CORE = azr()


def result(rows: list[dict[str, Any]], processor_s: float = 10.0) -> CellResult:
    costs = ({"stage": "train", "processor_s": processor_s}, {"stage": "held-out", "processor_s": 99.0})
    return CellResult(
        arm="",
        seed=0,
        value=None,
        folder=Path(),
        rows=tuple(rows),
        timings=(),
        validation=(),
        measured={},
        models={},
        costs=costs,
    )


def row(tokens: int, answers: int, **more: float) -> dict[str, Any]:
    counts = {"solver/deduction/count": 16, "proposer/deduction/count": 2}
    parts = {"solver/deduction/tokens": answers, "proposer/deduction/tokens": tokens - answers}
    return {"tokens": tokens, "optimizer_steps": 1, **counts, **parts, **more}


def test_self_play_trains_its_proposer_on_a_part_of_the_budget() -> None:
    runs = [
        result([row(3_100, 2_000, sampled_tokens=4_000, episodes_left_out=3), row(2_900, 1_800, sampled_tokens=4_000)], 30.0),
        result([row(3_000, 2_200, sampled_tokens=2_000, further_collections=2)] * 2, 50.0),
    ]
    arm = CORE.arm("self-play")
    one = realised(arm, Budget(steps=2, tokens_per_step=3_000), runs)
    assert one is not None
    assert (one.runs, one.optimizer_steps) == (2, (2, 2))
    assert one.tokens_per_step == 3_000
    assert one.tokens_sd == pytest.approx((2 * 100**2 / 4) ** 0.5)
    assert one.ratio == 1.0
    assert (one.trained_tokens, one.answer_tokens, one.sampled_tokens) == (6_000, 4_100, 6_000)
    assert (one.processor_s, one.episodes_left_out, one.further_collections) == (40.0, 2, 2)
    assert (one.epochs, one.distinct_tasks) == (None, None)
    answers = realised(arm, Budget(steps=2, tokens_per_step=2_050, counted="answers"), runs)
    assert answers is not None
    assert answers.ratio == 1.0
    assert dict(zip(headings(), cells_of_table(one), strict=True)) == {
        "arm": "self-play",
        "runs": "2",
        "steps": "2",
        "tokens a step": "3,000 ± 71",
        "of budget": "100.0%",
        "answers'": "4,100",
        "sampled": "6,000",
        "epochs": "-",
        "processor": "40 s",
    }


def test_fixed_tasks_have_epochs_and_sft_samples_nothing() -> None:
    sizes = {f"SelfPlay/{name}-v0/tasks": 2_048.0 for name in ("Deduction", "Abduction", "Induction")}
    step = {**row(3_000, 3_000, sampled_tokens=0, **sizes), "solver/deduction/trained": 192, "proposer/deduction/trained": 5}
    one = realised(CORE.arm("sft"), CORE.budget, [result([step] * 40)])
    assert one is not None
    assert one.epochs == pytest.approx(192 * 40 / (3 * 2_048))
    assert one.distinct_tasks == 3 * 2_048  # 40 steps draw 3,080 of each type's 2,048
    assert cells_of_table(one)[6:8] == ["none", "1.2"]
    few = realised(CORE.arm("sft"), CORE.budget, [result([step] * 2)])
    assert few is not None
    assert few.distinct_tasks == 3 * 2 * 77
    panels = realised(CORE.arm("rlvr"), CORE.budget, [result([step] * 40)])
    assert panels is not None
    assert panels.epochs == pytest.approx(192 / 8 * 40 / (3 * 2_048))  # eight attempts are one task


def test_what_trains_nothing_or_has_not_begun_has_no_numbers() -> None:
    assert realised(CORE.arm("base"), CORE.budget, [result([])]) is None
    assert realised(CORE.arm("sft"), CORE.budget, [result([])]) is None
    assert realised(CORE.arm("self-play"), replace(CORE.budget, steps=1), [result([row(1, 1)]), result([])]) is not None
