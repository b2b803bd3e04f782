"""An evaluation that is killed at any moment goes on where it was, and no stored sample is drawn again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.helpers.rows_of_questions import write_questions
from tests.helpers.slow_evaluation import BATCH, measure
from tests.helpers.waiting import wait_for


def stored(folder: Path) -> list[str]:
    path = folder / "out" / "replies.jsonl"
    whole = path.read_text().split("\n")[:-1] if path.is_file() else []
    return [json.loads(line)["key"] for line in whole]


def drawn(folder: Path) -> Counter[str]:
    return Counter((folder / "drawn.txt").read_text().split())


def test_a_killed_evaluation_goes_on_and_more_samples_draw_the_new_ones_alone(tmp_path: Path) -> None:
    write_questions(tmp_path / "q.jsonl", 12)
    process = subprocess.Popen([sys.executable, "-m", "tests.helpers.slow_evaluation", str(tmp_path)])
    wait_for(lambda: len(stored(tmp_path)) >= 14 or process.poll() is not None, 600)  # the last of 24 it never draws
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = stored(tmp_path)
    assert 14 <= len(before) < 24
    assert not (tmp_path / "out" / "q.jsonl").exists()
    lost = sum(drawn(tmp_path).values()) - len(before)
    assert 0 <= lost <= BATCH  # the batch in flight
    with (tmp_path / "out" / "replies.jsonl").open("a") as file:
        file.write('{"key": "0123')  # as a kill inside a write leaves it

    measure(tmp_path, samples=3, pause_s=0)
    after = stored(tmp_path)
    assert after[: len(before)] == before
    assert len(after) == len(set(after)) == 36
    assert sum(drawn(tmp_path).values()) == 36 + lost
    rows = [json.loads(line) for line in (tmp_path / "out" / "q.jsonl").read_text().splitlines()]
    assert sorted(row["key"] for row in rows) == sorted(after)
    assert [(row["id"], row["sample"]) for row in rows] == [(f"q{n}", s) for n in range(12) for s in range(3)]

    measure(tmp_path, samples=3, pause_s=0)
    assert sum(drawn(tmp_path).values()) == 36 + lost  # nothing is left to draw
    assert stored(tmp_path) == after
