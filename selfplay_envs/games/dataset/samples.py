"""Answers of the right form that are most likely wrong, for `selfplay check`."""

from __future__ import annotations

import ast
from string import ascii_uppercase

import numpy as np

from ...tasks.problem import Problem


def other_answer(problem: Problem, poses: str, rng: np.random.Generator) -> str:
    """An answer as the verifier writes it that is not the gold one, by what its problems pose (`AnswerVerifier.poses`).

    Of a program: one that returns or prints nothing. Of a value or of arguments: those of the gold answer with one of its
    literals changed a little. Of choices: another choice. Of a question: a number.
    """
    gold = problem.answer or ""
    if poses in ("program", "induction"):
        name = str(problem.data.get("entry_point", "")) or ("f" if poses == "induction" else "")
        return f"def {name}(*arguments, **keywords):\n    return None" if name else "pass"
    if poses in ("deduction", "abduction"):
        return changed_literal(gold, rng)
    if "choices" in problem.data:
        letters = [letter for letter in ascii_uppercase[: len(problem.data["choices"])] if letter != gold]
        return letters[int(rng.integers(len(letters)))]
    number = str(rng.integers(2, 1_000))
    return f"{number}1" if number == gold else number


def changed_literal(text: str, rng: np.random.Generator) -> str:
    """A value, or an argument list, with one of its literals changed: `[1, 'a'], True` as `[2, 'a'], True`.

    `None` where there is none to change, and of what is no Python.
    """
    try:
        call = ast.parse(f"f(\n{text}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "None"
    literals = [node for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str)]
    if not isinstance(call, ast.Call) or not literals:
        return "None"
    literal = literals[int(rng.integers(len(literals)))]
    value = literal.value
    if isinstance(value, bool):
        literal.value = not value
    elif isinstance(value, int | float):
        literal.value = value + 1
    else:
        literal.value = f"{value}x"
    parts = [*call.args, *call.keywords]
    return ", ".join(map(ast.unparse, parts)) + ("," if text.rstrip().endswith(",") else "")
