"""GSM8K: word problems of grade-school arithmetic."""

from __future__ import annotations

from ..core.errors import UsageError
from ..sources.rows import Row
from .declare import Benchmark

MARK = "####"
"""Stands in front of the number with which every solution ends."""


def _convert(row: Row) -> Row:
    answer = str(row["answer"])
    if MARK not in answer:
        raise UsageError(f"answer={answer!r:.60} does not end with {MARK} and a number; give the benchmark's own file.")
    number = answer.rpartition(MARK)[2].strip().replace(",", "")
    return {"id": str(row.get("idx", "")), "question": row["question"], "answer": number}


gsm8k = Benchmark(
    name="gsm8k",
    hub="openai/gsm8k:main",
    rows=1319,
    convert=_convert,
    verifier="numeric",
    licence="MIT",
    url="https://huggingface.co/datasets/openai/gsm8k",
    paper="arXiv:2110.14168",
    notes="lm-eval asks with five worked examples and compares the number as a text without commas, dollar signs and a last "
    "full stop, so that 18.0 is not 18. Its strict-match reads the number behind the first ####, much as "
    "verifier=numeric:find=hashes does; its flexible-extract reads the last number: verifier=numeric:find=last.",
)
