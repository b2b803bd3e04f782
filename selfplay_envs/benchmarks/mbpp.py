"""MBPP: short programs from one sentence and three asserts; all of it, or its sanitized part."""

from __future__ import annotations

import ast

from ..core.errors import UsageError
from ..core.syntax import module_tree
from ..sources.rows import Row
from .declare import Benchmark


def _convert(row: Row) -> Row:
    """A row of either form: `text` and `test_setup_code`, or, sanitized, `prompt` and `test_imports`."""
    tests: list[str] = list(row["test_list"])
    setup = row["test_setup_code"] if "test_setup_code" in row else "\n".join(row["test_imports"])
    sentence: str = row["text"] if "text" in row else row["prompt"]
    return {
        "id": f"Mbpp/{row['task_id']}",
        "question": "\n".join([sentence.strip(), "", "The program has to pass these tests:", "", *tests]),
        "entry_point": function_under_test(row["code"], tests),
        "tests": tests,
        "prelude": setup,
        "answer": row["code"],
    }


def function_under_test(program: str, tests: list[str]) -> str:
    """The first function that tests call and the program defines.

    Raises:
        UsageError: They call none.
    """
    tree = module_tree(program)
    defined = {node.name for node in (tree.body if tree else []) if isinstance(node, ast.FunctionDef)}
    for test in tests:
        for node in ast.walk(module_tree(test) or ast.Module([], [])):
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in defined:
                    return name
                case _:
                    pass
    raise UsageError(f"test_list={tests!r:.60} calls no function that code defines; give the benchmark's own file.")


mbpp = Benchmark(
    name="mbpp",
    hub="google-research-datasets/mbpp:full",
    rows=500,
    convert=_convert,
    verifier="unit-tests",
    licence="CC-BY-4.0",
    url="https://huggingface.co/datasets/google-research-datasets/mbpp",
    paper="arXiv:2108.07732",
    notes=(
        "The paper and lm-eval ask with three examples, and execute reply and asserts in one process. Asserts count one by one "
        "here, and all have to hold; `challenge_test_list` is not used, as there. A test that builds objects of the "
        "reply's own classes has no verdict (`test_not_expressible`)."
    ),
)
