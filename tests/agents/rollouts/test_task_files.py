"""Files of tasks are told from files of rows by their first line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.rollouts.task_files import first_row, is_task_file, read_task_file
from selfplay_envs import UsageError

TASK = '{"env_id": "A-v0", "task": {"x": 1}}\n'


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        (TASK, True),
        ("\ufeff" + TASK, True),
        ("\n" + TASK, True),
        ('{"question": "a"}\n', False),
        ("[1]\n", False),
    ],
)
def test_the_first_line_that_is_not_blank_decides(tmp_path: Path, text: str, tasks: bool) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(text, encoding="utf-8")
    assert is_task_file(path) is tasks


@pytest.mark.parametrize("text", ["", "{", "\n\n", "[" * 100_000])
def test_what_is_no_json_is_no_row(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(text)
    assert first_row(path) is None
    assert not is_task_file(path)


def test_other_endings_and_missing_files_are_none(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(TASK)
    assert not is_task_file(tmp_path / "file.json")
    assert not is_task_file(tmp_path / "none.jsonl")


def test_a_bad_line_is_named_and_an_id_can_be_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text(TASK * 2 + '{"env_id": "A-v0"}\n')
    lines = read_task_file(path, str.lower)
    assert [next(lines), next(lines)] == [("a-v0", {"x": 1})] * 2
    with pytest.raises(UsageError, match=r"file\.jsonl:3 is not a task line"):
        next(lines)

    def refuse(env_id: str) -> str:
        raise UsageError(f"{env_id} is unknown.")

    with pytest.raises(UsageError, match=r"file\.jsonl:1: A-v0 is unknown"):
        next(read_task_file(path, refuse))
