"""Two evaluations side by side: gains and intervals by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.evaluation.comparison import EVERYTHING, compare, correct_of, scores_of
from tests.helpers.run_rows import eval_row


def test_comparison_by_hand():
    assert correct_of({"right": [0, 2], "samples": 3}).tolist() == [[0, 0, 0], [1, 1, 0]]
    [one, two, four] = compare(eval_row(0, [0, 1, 0, 2] * 20), eval_row(9, [1, 2, 1, 3] * 20))
    assert (one.name, one.problems, one.k) == ("deduction", 80, 1)
    assert (one.before, one.after) == (pytest.approx(3 / 16), pytest.approx(7 / 16))
    assert one.gain == pytest.approx(0.25)  # every problem gained exactly one answer of four
    share = 1 - 0.025 ** (1 / 80)  # of problems that may do otherwise, and lose all or gain all
    assert (one.low, one.high) == (pytest.approx(0.25 - share * 1.25), pytest.approx(0.25 + share * 0.75))
    assert (one.alike, two.alike) == (True, False)
    # of 4 samples with c right ones, two drawn ones miss with chance C(4 - c, 2) / 6: 6, 3, 1, 0 sixths for c = 0, 1, 2, 3
    assert (two.k, two.before, two.after) == (2, pytest.approx((0 + 3 + 0 + 5) / 24), pytest.approx((3 + 5 + 3 + 6) / 24))
    assert (four.before, four.after) == (0.5, 1.0)
    assert four.low < 0.5 < four.high


def with_programs(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    for entry in row["problems"].values():
        entry["programs"] = names
    return row


def test_task_types_about_the_same_programs_are_one_program_each():
    """Deduction and abduction of the same programs, with the same answers: no more evidence than one of them."""
    rng = np.random.default_rng(0)
    names = [f"{i:03}" for i in range(80)]
    rows = []
    for step in (0, 9):
        row = with_programs(eval_row(step, rng.integers(0, 5, 80).tolist()), names)
        row["problems"]["SelfPlay/Abduction-v0"] = dict(row["problems"]["SelfPlay/Deduction-v0"])
        rows.append(row)
    widths = {gain.name: gain.high - gain.low for gain in compare(*rows) if gain.k == 1}
    assert widths["all problems"] == pytest.approx(widths["deduction"], rel=0.05)
    for row in rows:  # as older runs wrote them
        for entry in row["problems"].values():
            del entry["programs"]
    [naive] = [one for one in compare(*rows) if one.k == 1 and one.name == "all problems"]
    assert naive.high - naive.low == pytest.approx(widths["deduction"] * 2**-0.5, rel=0.05)


def test_void_samples_count_for_nothing():
    before, after = eval_row(0, [1, 0]), eval_row(1, [1, 2])
    after["problems"]["SelfPlay/Deduction-v0"]["void"] = [3, 1]
    assert np.array_equal(
        correct_of(after["problems"]["SelfPlay/Deduction-v0"]), [[1, *[np.nan] * 3], [1, 1, 0, np.nan]], equal_nan=True
    )
    one, two = compare(before, after)
    assert (one.k, one.problems, one.before, one.after) == (1, 2, 1 / 8, pytest.approx((1 + 2 / 3) / 2))
    assert (two.k, two.problems, two.before, two.after) == (2, 1, 0.0, 1.0)  # the first problem has one sample that counts


def test_evaluations_of_other_problems_are_not_compared():
    rows = [with_programs(eval_row(0, [1, 2]), names) for names in (["a", "b"], ["a", "c"])]
    with pytest.raises(ValueError, match="SelfPlay/Deduction-v0 are not of the same problems"):
        compare(*rows)


def test_several_games_have_a_row_for_all_problems():
    before, after = eval_row(0, [0, 0]), eval_row(1, [4, 4])
    for row in (before, after):
        row["problems"]["SelfPlay/Abduction-v0"] = {"right": [4] * 6, "samples": 4}
    rows = {one.name: one for one in compare(before, after) if one.k == 1}
    assert set(rows) == {"abduction", "deduction", "all problems"}
    assert rows["all problems"].problems == 8
    assert rows["all problems"].gain == pytest.approx(2 / 8)


def test_interval_is_reproducible():
    rows = (eval_row(0, [0, 1, 2, 3]), eval_row(1, [1, 1, 4, 3]))
    assert compare(*rows) == compare(*rows)
    assert np.isfinite([one.low for one in compare(*rows)]).all()


def test_a_score_has_the_interval_of_its_problems_by_hand() -> None:
    """Four problems of two programs, whose problems are alike: a resample holds one program's twice, or each once."""
    entry = {"right": [2, 2, 0, 0], "samples": 2, "programs": ["a", "a", "b", "b"]}
    [one, two] = scores_of({"problems": {"SelfPlay/Deduction-v0": entry}})
    assert (one.name, one.problems, one.k, one.mean, one.low, one.high) == ("deduction", 4, 1, 0.5, 0.0, 1.0)
    assert (two.k, two.mean) == (2, 0.5)
    void = {"right": [1, 0], "samples": 1, "void": [0, 1], "programs": ["a", "b"]}
    assert [(score.problems, score.mean) for score in scores_of({"problems": {"gsm8k": void}})] == [(1, 1.0)]
    old = {"right": [1, 0], "samples": 1}  # as older runs wrote them
    names = [score.name for score in scores_of({"problems": {"gsm8k": old, "SelfPlay/Deduction-v0": old}})]
    assert names == ["deduction", "gsm8k", EVERYTHING]


def test_no_right_answer_is_no_proof_that_there_never_is_one() -> None:
    [none] = scores_of(eval_row(0, [0] * 10, samples=1))
    assert (none.mean, none.low, none.high) == (0.0, 0.0, pytest.approx(0.3085, abs=1e-4))  # Clopper and Pearson, 0 of 10
    [every] = scores_of(eval_row(0, [1] * 10, samples=1))
    assert (every.mean, every.low, every.high) == (1.0, pytest.approx(0.6915, abs=1e-4), 1.0)
    [same] = compare(eval_row(0, [0] * 10, samples=1), eval_row(9, [0] * 10, samples=1))
    assert (same.gain, same.low, same.high) == (0.0, pytest.approx(-0.3085, abs=1e-4), pytest.approx(0.3085, abs=1e-4))
    [two_programs] = scores_of(with_programs(eval_row(0, [0] * 10, samples=1), ["a", "b"] * 5))
    assert two_programs.high == pytest.approx(1 - 0.025**0.5)  # as many draws as programs


def test_the_mean_score_stands_beside_where_answers_can_be_partly_right():
    before, after = eval_row(0, [0, 0, 1]), eval_row(9, [0, 1, 1])
    assert [result.measure for result in compare(before, after)] == ["pass@1", "pass@2", "pass@4"]
    for row, scores in ((before, [0.25, None, 0.5]), (after, [0.5, 0.25, 0.75])):
        row["problems"]["SelfPlay/Deduction-v0"]["scores"] = scores
    *_, gain = compare(before, after)
    assert (gain.measure, gain.k, gain.problems) == ("score", 0, 2)  # of the second nothing is known before
    assert (gain.before, gain.after, gain.gain) == pytest.approx((0.375, 0.625, 0.25))
    *_, score = scores_of(after)
    assert (score.measure, score.problems, score.mean) == ("score", 3, pytest.approx(0.5))
    del before["problems"]["SelfPlay/Deduction-v0"]["scores"]
    assert "score" not in [result.measure for result in compare(before, after)]
