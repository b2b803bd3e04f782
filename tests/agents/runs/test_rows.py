from __future__ import annotations

from pathlib import Path

from agents.runs.rows import append_row, forget_after, read_rows


def test_rows_survive_a_crash_and_a_resume(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert read_rows(path) == []
    forget_after(path, 3)
    for step in range(1, 6):
        append_row(path, {"step": step, "b": 1.5, "a": None})
    with path.open("a") as file:
        file.write('{"step": 6, "cut o')
    assert [row["step"] for row in read_rows(path)] == [1, 2, 3, 4, 5]
    forget_after(path, 3)
    assert [row["step"] for row in read_rows(path)] == [1, 2, 3]
    assert path.read_text().splitlines()[0] == '{"a": null, "b": 1.5, "step": 1}'
