"""OlympiadBench: open-ended problems of mathematical olympiads, in English and without pictures."""

from __future__ import annotations

from ..sources.rows import Row
from .declare import Benchmark


def _convert(row: Row) -> Row:
    golds: list[str] = row["final_answer"]
    answer = ", ".join(gold.replace("$", "").strip().rstrip(".") for gold in golds)
    context = row.get("context")
    question = f"{context}\n\n{row['question']}" if context else row["question"]
    tolerance = {"tolerance": float(row["error"])} if row.get("error") else {}
    return {"id": str(row["id"]), "question": question, "answer": answer, **tolerance}


olympiadbench = Benchmark(
    name="olympiadbench",
    hub="Hothan/OlympiadBench:OE_TO_maths_en_COMP",
    split="train",
    rows=674,
    convert=_convert,
    verifier="math",
    licence="Apache-2.0",
    url="https://huggingface.co/datasets/Hothan/OlympiadBench",
    paper="arXiv:2402.14008",
    notes="Several answers stand in one box with commas between them, in any order; units are passed over. The 675 rows that "
    "AZR and Qwen2.5-Math report on are an older release of the same part, with one problem more: path=FILE reads it. The "
    "benchmark's own judge names the type of the answer in the prompt, and also accepts a hundredth of the gold number and a "
    "hundred times it, which are wrong here.",
)
