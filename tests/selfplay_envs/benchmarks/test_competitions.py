"""Mathematics: the answer column, or the last box of the solution; under the names of columns that the sets have."""

import json

import pytest

from selfplay_envs import UsageError
from selfplay_envs.benchmarks.competitions import aime24, amc23, math500, minerva


def problem(tmp_path, benchmark, row):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    [only] = benchmark(path=str(path)).read()
    return only.id, only.fields["question"], only.answer


@pytest.mark.parametrize(
    ("benchmark", "row", "expected"),
    [
        (
            math500,
            {"problem": "p", "solution": "\\boxed{1}", "answer": "\\frac{1}{2}", "unique_id": "test/algebra/1.json"},
            ("test/algebra/1.json", "p", "\\frac{1}{2}"),
        ),
        (aime24, {"id": 60, "problem": "p", "solution": "\\boxed{204}", "url": "u"}, ("60", "p", "204")),
        (aime24, {"id": 0, "problem": "p", "solution": "So \\boxed{9}.", "answer": "033", "question": "q"}, ("0", "p", "033")),
        (amc23, {"id": 0, "question": "q", "answer": 27.0, "url": "u"}, ("0", "q", "27")),
        (amc23, {"id": 1, "question": "q", "answer": 0.5, "url": "u"}, ("1", "q", "0.5")),
        (
            minerva,
            {
                "problem": "p",
                "solution": "First \\boxed{1}, then \\[\\boxed{\n\\frac{a_{1}}{2}} \\mathrm{~cm}\\]",
                "type": "t",
                "idx": 3,
            },
            ("3", "p", "\\frac{a_{1}}{2}"),
        ),
        (minerva, {"question": "q", "answer": "4.5e33"}, ("", "q", "4.5e33")),
        (minerva, {"problem": "p", "solution": "\\boxed{np.arcsin(10/13)}", "idx": 5}, ("5", "p", "\\arcsin(10/13)")),
    ],
)
def test_rows_as_the_sets_have_them(tmp_path, benchmark, row, expected):
    assert problem(tmp_path, benchmark, row) == expected


def test_a_solution_without_a_box_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"rows\.jsonl:1: solution='It is 7\.' holds no \\boxed\{\} answer; give the row an"):
        problem(tmp_path, minerva, {"problem": "p", "solution": "It is 7."})


def test_a_row_of_something_else_is_named_with_its_columns(tmp_path):
    with pytest.raises(UsageError, match=r"rows\.jsonl:1: there is no column 'question'; its columns are text, answer\."):
        problem(tmp_path, math500, {"text": "p", "answer": "1"})
