"""Programs out of the tiny model's domain."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from agents.tiny.folder import TINY_MODEL
from agents.tiny.new_operations import LEAST_NEW, NEW, known_operations, operations, sample_long_task
from agents.tiny.problem_sets import problem_set
from agents.tiny.programs import is_held_out, sample_program
from agents.tiny.training_tasks import training_tasks


def test_operations_are_read_off_the_syntax_tree() -> None:
    assert operations("def f(x):\n    return x[::2].strip('a') + str(-len(x))") == {
        "step 2",
        ".strip()",
        "Add",
        "str()",
        "USub",
        "len()",
    }
    assert operations("[i * 2 for i in x]") == {"comprehension of Mult", "Mult"}
    assert operations("[i for i in x if i > 2]") == {"filter"}


def test_what_the_warm_start_held_is_known() -> None:
    rng = np.random.default_rng(0)
    drawn = frozenset[str]().union(*(operations(sample_program(rng)[0]) for _ in range(1_000)))
    assert drawn == known_operations()
    assert all(operations(task["program"]) <= known_operations() for task in training_tasks("deduction"))


@pytest.mark.parametrize("template", sorted({text for texts in NEW.values() for text in texts}))
def test_a_new_operation_is_new(template: str) -> None:
    assert operations(template.format(v="x", c=1, s="'a'")) - known_operations()


def test_programs_out_of_domain_are_long_and_each_has_new_operations() -> None:
    for task in problem_set("tiny-out-of-domain")["SelfPlay/Deduction-v0"]:
        [function] = ast.parse(task["program"]).body
        assert isinstance(function, ast.FunctionDef)
        assert 4 <= len(function.body) <= 6
        new = [line for line in function.body if operations(ast.unparse(line)) - known_operations()]
        assert len(new) >= LEAST_NEW


def test_a_long_task_is_seeded_and_held_out() -> None:
    first, again = (sample_long_task(np.random.default_rng(3), num_inputs=3) for _ in range(2))
    assert first == again
    assert is_held_out(first.program)
    assert len(first.inputs) == len(set(first.inputs)) == 3


def test_the_prompts_fit_the_model() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(TINY_MODEL)
    lengths = [len(tokenizer.encode(task["program"])) for task in problem_set("tiny-out-of-domain")["SelfPlay/Deduction-v0"]]
    assert max(lengths) < 300
