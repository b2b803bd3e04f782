"""Lines of JSON end at a newline, and at nothing else that Python takes for one."""

import json

import pytest

from selfplay_envs import CodeTask, UsageError, read_azr_tasks, read_episodes
from selfplay_envs.core.json_lines import read_json_lines

ODD = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei"
"""Every character besides newline and carriage return at which `str.splitlines` splits; JSON escapes those below 32 alone."""


def texts(path, **kwargs):
    return list(read_json_lines(path, lambda row: row["text"], "a row", **kwargs))


def test_odd_line_separators_do_not_split_a_row(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"text": ODD}, {"text": "\r\n"}]
    path.write_bytes("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    assert len(path.read_text(encoding="utf-8").splitlines()) == 5  # as they were split before
    assert texts(path) == [ODD, "\r\n"]


@pytest.mark.parametrize(
    "text",
    ['{"text": "a"}\n{"text": "b"}\n\n', '\ufeff{"text": "a"}\r\n{"text": "b"}', '{"text": "a"}\n \t\n{"text": "b"}\n  '],
    ids=["blank last line", "byte-order mark, no last newline", "blank lines"],
)
def test_what_editors_leave_is_fine(tmp_path, text):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(text.encode())
    assert texts(path) == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"text": ', "JSONDecodeError"),
        (b'{"other": 1}', "KeyError: 'text'"),
        (b"[1]", "TypeError"),
        (b"[" * 100_000, "RecursionError"),
        (b'{"text": "\xff"}', "UnicodeDecodeError"),
    ],
)
def test_a_wrong_line_is_named_with_its_file(tmp_path, line, why):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"text": "a"}\n\n' + line + b"\n")
    with pytest.raises(UsageError, match=rf"rows.jsonl:3 is not a row \({why}"):
        texts(path)


def test_a_line_that_a_killed_writer_left_can_be_left_out(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b"}')
    assert texts(path) == ["a", "b"]
    assert texts(path, whole=True) == ["a"]


def test_tasks_and_episodes_are_read_so(tmp_path):
    path = tmp_path / "tasks.jsonl"
    row = {"snippet": "def f(x):\n    return x", "input": repr("a\u2028b"), "output": repr("a\u2028b")}
    path.write_text("\ufeff" + json.dumps(row, ensure_ascii=False) + "\n\n", encoding="utf-8")
    [task] = read_azr_tasks(path)
    assert task == CodeTask(program=row["snippet"], inputs=(row["input"],), outputs=(row["output"],))
    path.write_text("\n{}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"tasks.jsonl:2 is not an episode, was the file cut off\? \(KeyError"):
        list(read_episodes(path))
