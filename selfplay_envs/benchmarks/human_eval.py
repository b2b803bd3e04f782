"""HumanEval: the rest of a function, given its signature and docstring."""

from __future__ import annotations

from ..sources.rows import Row
from .declare import Benchmark

COMPLETE = "Complete this Python program."
"""The question; the prompt shows the start of the program below it."""


def _convert(row: Row) -> Row:
    return {
        "id": row["task_id"],
        "question": COMPLETE,
        "program": row["prompt"],
        "entry_point": row["entry_point"],
        "tests": row["test"],
        "answer": row["canonical_solution"],
    }


humaneval = Benchmark(
    name="humaneval",
    hub="openai/openai_humaneval",
    rows=164,
    convert=_convert,
    verifier="unit-tests",
    licence="MIT",
    url="https://github.com/openai/human-eval",
    paper="arXiv:2107.03374",
    notes=(
        "The public harness executes start, reply and tests in one process for 3 s, so that a reply may decide its own "
        "verdict. prompt={program} shows the bare start, as to a base model; a reply without a fenced block goes on from it."
    ),
)
