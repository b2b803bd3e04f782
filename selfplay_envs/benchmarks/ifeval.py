"""IFEval: requests with instructions that a machine can verify, such as a number of words or a format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from ..sources.rows import Row
from ..sources.source import Source
from ..tasks.problem import Problem
from .declare import Benchmark

INSTRUCTIONS = 834
"""In all of its rows."""


def _convert(row: Row) -> Row:
    return {
        "id": str(row.get("key", "")),
        "question": row["prompt"],
        "instruction_id_list": row["instruction_id_list"],
        "kwargs": row["kwargs"],
    }


_rows = Benchmark(
    name="ifeval",
    hub="google/IFEval",
    split="train",
    rows=541,
    convert=_convert,
    verifier="ifeval",
    licence="Apache-2.0",
    url="https://huggingface.co/datasets/google/IFEval",
    paper="arXiv:2311.07911",
    notes="The score is prompt-level and strict: all instructions of a row, by the reply as it stands. Loose scoring: "
    "verifier=ifeval:loose=1. Instruction-level: per=instruction makes a problem of each instruction, with the same prompt. "
    "Both public harnesses leave the language detector unseeded, draw a letter by chance in rows that ask for # or !, judge "
    "white space and thoughts in front of an answer too, and know no limit; here the seed is fixed, the sign itself counts, "
    "and what is longer than 20,000 characters is wrong.",
)


def ifeval(
    *,
    path: str = "",
    split: str = "",
    limit: int = 0,
    verifier: str = "",
    per: Literal["prompt", "instruction"] = "prompt",
) -> Source:
    """The benchmark as a source; reads nothing.

    Args:
        path: A local file with its rows (`.jsonl`, ...); empty: the hub.
        split: Another split of the hub than its only one.
        limit: The first rows alone; 0: all.
        verifier: In place of its own, such as `ifeval:loose=1`.
        per: What a problem is: a row, right when all its instructions are met, or each instruction of a row, so that the mean
            is the instruction-level score. Then a row is asked once for each.
    """
    source = _rows(path=path, split=split, limit=limit, verifier=verifier)
    if per == "prompt":
        return source
    known = INSTRUCTIONS if source.rows else 0
    return replace(source, read=lambda: _apart(source.read()), rows=known)


def _apart(problems: Iterator[Problem]) -> Iterator[Problem]:
    """One problem for each instruction."""
    for problem in problems:
        for number, (name, given) in enumerate(zip(problem.data["instruction_id_list"], problem.data["kwargs"], strict=True)):
            data = {"instruction_id_list": [name], "kwargs": [given]}
            yield replace(problem, id=f"{problem.id}:{number}", data=data)
