from __future__ import annotations

import time

import pytest

from agents.runs.timings import Clock, padding_waste, stage_means, throughput


def test_the_clock_adds_up_per_stage() -> None:
    clock = Clock()
    for _ in range(2):
        with clock("update"):
            time.sleep(0.01)
    assert clock.stage == "update"
    row = clock.row()
    assert row["update_s"] >= 0.02
    assert row["collect_s"] == 0
    assert row["step_s"] >= row["update_s"]


def test_means_leave_out_the_first_step_and_name_what_is_left() -> None:
    rows = [
        {"collect_s": 90.0, "update_s": 9.0, "step_s": 100.0},
        {"collect_s": 4.0, "generate_s": 3.0, "verify_s": 2.0, "update_s": 3.0, "checkpoint_s": 0.0, "step_s": 8.0},
        {"collect_s": 6.0, "generate_s": 5.0, "verify_s": 0.0, "update_s": 3.0, "checkpoint_s": 2.0, "step_s": 12.0},
    ]
    means = {one.name: (one.mean_s, one.share) for one in stage_means(rows)}
    assert means == {
        "collect": (5.0, 0.5),
        "generate": (4.0, 0.4),
        "verify": (1.0, 0.1),
        "update": (3.0, 0.3),
        "sync": (0.0, 0.0),
        "evaluate": (0.0, 0.0),
        "checkpoint": (1.0, 0.1),
        "other": (1.0, 0.1),
    }
    assert list(means)[:3] == ["collect", "generate", "verify"]
    assert stage_means(rows[:1])[0].mean_s == 90.0
    assert stage_means([]) == []


def test_rows_of_older_runs_count_too() -> None:
    means = {one.name: one.share for one in stage_means([{"collect_s": 3.0, "update_s": 1.0}])}
    assert (means["collect"], means["update"], means["other"]) == (0.75, 0.25, 0.0)


def test_rates_and_padding() -> None:
    seconds = {"generate_s": 2.0, "update_s": 0.0}
    assert throughput({"sampled": 100, "trained": 50}, seconds) == {"sampled_tokens_per_s": 50.0}
    before = {"prompt_tokens": 10, "prompt_slots": 20, "reply_tokens": 5, "reply_slots": 5}
    after = {"prompt_tokens": 40, "prompt_slots": 60, "reply_tokens": 35, "reply_slots": 45}
    assert padding_waste(before, after) == pytest.approx(1 - 60 / 80)
    assert padding_waste({}, {}) is None
