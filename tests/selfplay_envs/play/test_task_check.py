"""Tasks from elsewhere are validated in one batch."""

import json

import pytest

from selfplay_envs import CodeTask, UsageError, check_tasks, read_azr_tasks


def test_azr_files_load_and_each_task_is_accepted_or_refused_with_a_reason(tmp_path, referee):
    rows = [
        {"snippet": "def f(a):\n    return a", "input": "1", "output": "1", "imports": []},
        {"snippet": "def f(a):\n    return a * 9", "input": "'x'", "output": "'xx...'"},
        {"snippet": "def f(a):\n    return a", "input": "range(3)", "output": "range(0, 3)"},
        {"snippet": "def f(a):\n    return {a, 'b'}.pop()", "input": "'c'", "output": "'b'"},
        {"snippet": "def f(a, b):\n    return a + b", "inputs": ["1, 2", "b=3, a=4"], "outputs": ["3", "7"], "message": "sum"},
        {
            "snippet": "def f(a):\n    return [a[-1], float(len(a))]",
            "input": "list(range(3)) + [float('inf')]",
            "output": "[inf, 4.0]",
        },
        {"snippet": "def f(a):\n    return a ** 9", "input": "10 ** 600", "output": "inf"},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    checked = check_tasks(read_azr_tasks(path), referee)
    assert checked[0] == CodeTask(program=rows[0]["snippet"], inputs=("1",), outputs=("1",))
    assert checked[1:4] == ["stated_output_differs", "input_not_literal", "program_nondeterministic"]
    assert isinstance(checked[4], CodeTask)
    assert checked[4].message == "sum"
    assert checked[5] == CodeTask(program=rows[5]["snippet"], inputs=("[0, 1, 2, 1e999]",), outputs=("[1e999, 4.0]",))
    assert checked[6] == "gold_too_long"
    path.write_text('{"snippet": "x"}\n')
    with pytest.raises(UsageError, match=":1 is not a task row"):
        list(read_azr_tasks(path))
