"""CRUXEval: short functions, of which a model predicts the output (O) or finds an input (I)."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..sources.rows import Row
from .declare import Benchmark

_NOTES = (
    "The public harness executes `assert OUTPUT == ANSWER` in one process with the program, so that an answer may reach the "
    "function or equal everything; here an answer is evaluated apart and compared by value. Options of the verifier: "
    "`strict=1` tells True, 1 and 1.0 apart; without `expressions=1` literals alone count. The harness samples 10 replies at "
    "temperature 0.2 (pass@1) and 0.8 (pass@5), and leaves replies that it refuses out of the count."
)


def _convert(row: Row) -> Row:
    return {"id": row["id"], "code": row["code"], "input": row["input"], "output": row["output"]}


_cruxeval: Any = partial(
    Benchmark,
    hub="cruxeval-org/cruxeval",
    rows=800,
    convert=_convert,
    licence="MIT",
    url="https://github.com/facebookresearch/cruxeval",
    paper="arXiv:2401.03065",
    notes=_NOTES,
)
cruxeval_i: Benchmark = _cruxeval(name="cruxeval-i", verifier="abduction:expressions=1")
cruxeval_o: Benchmark = _cruxeval(name="cruxeval-o", verifier="deduction:expressions=1")
