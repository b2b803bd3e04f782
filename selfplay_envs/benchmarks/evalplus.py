"""HumanEval+ and MBPP+: references, and far more inputs than the originals; in the form of EvalPlus's releases."""

from __future__ import annotations

from collections.abc import Mapping

from ..sources.rows import Row
from .declare import Benchmark
from .evalplus_hub import inputs_of_test
from .evalplus_types import restored
from .human_eval import COMPLETE
from .mbpp import function_under_test

ORACLES: Mapping[str, str] = {
    **dict.fromkeys(("similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly"), "set"),
    **dict.fromkeys(("larg_nnum", "intersection_array", "find_dissimilar", "Diff"), "set"),
    **dict.fromkeys(("check_str", "text_match_three", "text_starta_endb"), "truthful"),
    "are_equivalent": "anything",
    "sum_div": "or-zero",
    "surface_Area": "surface",
    "digit_distance_nums": "digit-distance",
}
"""Oracles of MBPP+'s tasks by entry point, as EvalPlus looks them up, where it is not equality: the sets are Mbpp/2, 7, 111,
140, 232, 249, 579 and 769, the last four 164, 295, 581 and 558. Restated from EvalPlus 0.3.1, `evalplus/eval/__init__.py`."""
_NOTES = (
    "Verdicts are meant to be EvalPlus's, but for these: both programs run in a sandbox with 1 GiB of memory (there: 4 GiB, in "
    "the process that decides), and the few inputs for which the reference needs more, or returns more than a MiB, are left "
    "out; a call may take 3 s of CPU (there: 1 s, or four times the reference's time); instances of a program's own classes "
    "equal nothing; there is no numpy. Options of the verifier: `reference:base_only=1` counts the original's inputs alone, "
    "`reference:strict=1` tells True, 1 and 1.0 apart and keeps tolerances to floats. Rows are those of the releases, "
    "`HumanEvalPlus.jsonl` and `MbppPlus.jsonl`, which path=FILE names, or the hub's, whose inputs are all `base`."
)


def _restored(task_id: str, row: Row) -> Row:
    """The inputs of a row with the types that they had, and the tolerance."""
    row = row if "base_input" in row else inputs_of_test(row)
    inputs = {
        name: [restored(task_id, call) if isinstance(call, list) else call for call in row[name]]
        for name in ("base_input", "plus_input")
    }
    return {"id": task_id, "atol": row["atol"], **inputs}


def _human_eval_plus(row: Row) -> Row:
    return {
        **_restored(row["task_id"], row),
        "question": COMPLETE,
        "program": row["prompt"],
        "entry_point": row["entry_point"],
        "answer": row["canonical_solution"],
        "oracle": "root" if row["entry_point"] == "find_zero" else "equal",  # HumanEval/32
    }


def _mbpp_plus(row: Row) -> Row:
    """A row of the release, or of the hub, which has `code` in place of `canonical_solution` and the bare number as its id."""
    solution = row["canonical_solution"] if "canonical_solution" in row else row["code"]
    entry_point = row["entry_point"] if "entry_point" in row else function_under_test(solution, row["test_list"])
    return {
        **_restored(f"Mbpp/{str(row['task_id']).removeprefix('Mbpp/')}", row),
        "question": row["prompt"].strip().strip('"').strip(),
        "entry_point": entry_point,
        "answer": solution.strip("\n"),
        "oracle": ORACLES.get(entry_point, "equal"),
    }


humaneval_plus = Benchmark(
    name="humaneval+",
    hub="evalplus/humanevalplus",
    rows=164,
    convert=_human_eval_plus,
    verifier="reference",
    licence="Apache-2.0",
    url="https://github.com/evalplus/humanevalplus_release",
    paper="arXiv:2305.01210",
    notes=_NOTES,
)
mbpp_plus = Benchmark(
    name="mbpp+",
    hub="evalplus/mbppplus",
    rows=378,
    convert=_mbpp_plus,
    verifier="reference",
    licence="Apache-2.0",
    url="https://github.com/evalplus/mbppplus_release",
    paper="arXiv:2305.01210",
    notes=_NOTES,
)
