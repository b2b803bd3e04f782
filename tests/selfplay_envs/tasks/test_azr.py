"""Files of tasks in the form of Absolute Zero's repository."""

import json

import pytest

from selfplay_envs import CodeTask, UsageError, read_azr_tasks

TRIPLET = {"snippet": "def f(a):\n    return a", "input": "1", "output": "1", "imports": []}
INDUCTION = {"snippet": "def f(a):\n    return a", "inputs": ["1", "2"], "outputs": ["1", "2"], "message": "the same"}


def test_triplets_and_induction_rows_are_read_as_they_stand(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(TRIPLET) + "\n" + json.dumps(INDUCTION) + "\n")
    assert list(read_azr_tasks(path)) == [
        CodeTask(program=TRIPLET["snippet"], inputs=("1",), outputs=("1",)),
        CodeTask(program=INDUCTION["snippet"], inputs=("1", "2"), outputs=("1", "2"), message="the same"),
    ]


def test_a_missing_file_and_another_row_are_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"tasks='.*no_such.jsonl' is not a file; pass a .jsonl file in AZR's form"):
        list(read_azr_tasks(tmp_path / "no_such.jsonl"))
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(TRIPLET) + '\n{"snippet": "x"}\n')
    with pytest.raises(UsageError, match=r"rows.jsonl:2 is not a task row with snippet, input and output"):
        list(read_azr_tasks(path))
