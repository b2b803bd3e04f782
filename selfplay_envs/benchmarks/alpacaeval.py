"""AlpacaEval: requests of five sets, whose answers a judge compares with those of another model; and Alpaca, to train on."""

from __future__ import annotations

from ..core.errors import UsageError
from ..sources.rows import Row
from .declare import Benchmark


def _request(row: Row) -> Row:
    """A row of AlpacaEval: `instruction`, the `dataset` that it comes from, and another model's `output`."""
    return {"question": row["instruction"], "subset": row.get("dataset", ""), "answer": row.get("output", "")}


def _with_input(row: Row) -> Row:
    """A row of Alpaca: an `instruction`, often with an `input` that it speaks of, and a model's `output`."""
    context = row.get("input") or ""
    if not isinstance(context, str):
        raise UsageError(f"input={context!r:.60} is not a text.")
    question = f"{row['instruction']}\n\n{context}" if context.strip() else row["instruction"]
    return {"question": question, "answer": row.get("output", "")}


alpacaeval = Benchmark(
    name="alpacaeval",
    hub="tatsu-lab/alpaca_eval:alpaca_eval",
    split="eval",
    rows=805,
    convert=_request,
    verifier="free-text",
    prompt="{question}",
    licence="CC-BY-NC-4.0",
    url="https://huggingface.co/datasets/tatsu-lab/alpaca_eval",
    paper="arXiv:2404.04475",
    notes="Measured by selfplay eval MODEL --benchmark alpacaeval --against MODEL|FILE --judge JUDGE. The public harness has "
    "GPT-4 as its judge and each pair in one order, drawn by chance; its length-controlled rate has a fitted difficulty per "
    "instruction too, which is left out here. Versions of datasets from 4 on do not run the set's own script: take its file "
    "alpaca_eval.json, as path=alpaca_eval.json.",
)
alpaca = Benchmark(
    name="alpaca",
    hub="tatsu-lab/alpaca",
    split="train",
    rows=52_002,
    convert=_with_input,
    verifier="free-text",
    prompt="{question}",
    licence="CC-BY-NC-4.0",
    url="https://huggingface.co/datasets/tatsu-lab/alpaca",
    paper="Taori et al., Stanford Alpaca, 2023",
    notes="Data to train on, such as by the preset grpo-data; no benchmark.",
)
