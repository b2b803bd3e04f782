"""OlympiadBench's rows: gold answers as the set writes them, and the one row with a tolerance."""

import json

import pytest

from selfplay_envs.benchmarks.olympiadbench import olympiadbench


def problem(tmp_path, **columns):
    row = {"id": 1606, "question": "q", "context": None, "final_answer": ["2"], "error": None, "is_multiple_answer": False}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**row, **columns}) + "\n")
    [only] = olympiadbench(path=str(path)).read()
    return only


@pytest.mark.parametrize(
    ("golds", "answer"),
    [
        (["2"], "2"),
        (["$\\frac{1}{2 n+2}$"], "\\frac{1}{2 n+2}"),
        (["$69$,$84$"], "69,84"),
        (["$221,$8$"], "221,8"),
        (["$(-\\infty, 0) \\cup\\{1\\}$."], "(-\\infty, 0) \\cup\\{1\\}"),
        (["$(2,32)$", "(8,18)"], "(2,32), (8,18)"),
    ],
)
def test_a_gold_answer_without_its_dollar_signs(tmp_path, golds, answer):
    read = problem(tmp_path, final_answer=golds)
    assert (read.id, read.fields["question"], read.answer, dict(read.data)) == ("1606", "q", answer, {})


def test_a_context_stands_before_its_question(tmp_path):
    assert problem(tmp_path, context="Let $n$ be odd.").fields["question"] == "Let $n$ be odd.\n\nq"


def test_a_tolerance_goes_to_the_verifier(tmp_path):
    assert problem(tmp_path, final_answer=["4.2"], error="1e-1").data == {"tolerance": 0.1}
