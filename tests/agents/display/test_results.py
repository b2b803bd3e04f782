"""The sentence below a comparison."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from agents.display.results import interval_note, print_scores, print_training
from tests.helpers.run_rows import eval_row, metrics_row


def test_the_note_says_whether_problems_about_one_program_were_drawn_together() -> None:
    rows = [eval_row(step, [1, 2]) for step in (0, 9)]
    assert "as if they were independent" in interval_note(*rows)  # as older runs wrote them
    for row in rows:
        row["problems"]["SelfPlay/Deduction-v0"]["programs"] = ["a", "b"]
    assert "over problems, of which those about one program are drawn together" in interval_note(*rows)


def test_a_report_says_what_a_message_was_rewarded_for(tmp_path: Path) -> None:
    rows = [metrics_row(step) for step in range(1, 5)]
    for row in rows[1:3]:  # step 2 belongs to the first half of the run, step 3 to the last
        row |= {
            "proposer/deduction/reward/game": row["proposer/deduction/credit_mean"],
            "proposer/deduction/reward/duplicate": -0.5,
        }
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    console = Console(file=io.StringIO(), width=1000)
    print_training(console, tmp_path)
    lines = [line for line in console.file.getvalue().splitlines() if line.startswith("Reward of")]  # type: ignore[attr-defined]
    # steps 3 and 4: 0.3 and 0.4 by the game, and -0.5 in one of the two
    assert lines == ["Reward of a proposer message by its terms, mean of steps 3 to 4: game 0.35, duplicate -0.25."]


def test_answers_that_are_no_answers_are_counted_apart_with_their_commonest_reasons() -> None:
    reasons = {"no_answer": 5, "thought_cut_off": 2, "b": 1, "c": 1, "d": 1}
    counts = {"right": 3, "wrong": 4, "unreadable": 10, "cut_off": 2, "void": 1}
    entry = {"right": [3, 0], "samples": 10, "programs": ["a", "b"], "answers": counts, "unreadable": reasons}
    console = Console(file=io.StringIO(), width=80)
    print_scores(console, {"problems": {"gsm8k": entry}}, "a model")
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert "gsm8k 20 3 4 10 2 1".split() in [line.split() for line in lines]
    assert "gsm8k: no answer found in 10: no_answer 5, thought_cut_off 2, b 1, c 1, ..." in lines
    assert "gsm8k 2 pass@1 0.150 0.000 to 0.300".split() in [line.split() for line in lines]
    assert max(map(len, lines)) <= 80
