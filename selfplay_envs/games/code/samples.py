"""Legal messages of the code games, for `selfplay check`: small proposals, and answers that are right or wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...replies.parsing import fence
from ...tasks.code_task import IDENTITY, CodeTask
from ...tasks.programs import program_key

PAIRS = (
    ("def f(x):\n    return x + 1", "3"),
    ("def f(text):\n    return text[::-1]", "'abc'"),
    ("def f(numbers, low):\n    return [n for n in numbers if n > low]", "[4, 1, 7], 2"),
    ("def f(a, b):\n    return {a: b, b: a}", "'x', 'y'"),
    ("def f(n):\n    return sum(range(n))", "10"),
)
"""Programs, each with an argument list."""


def sample_pair(references: Sequence[CodeTask], rng: np.random.Generator) -> str | None:
    """A proposal of a program and an input; None where all the programs here are references."""
    taken = {program_key(reference.program) for reference in references}
    free = [pair for pair in PAIRS if program_key(pair[0]) not in taken]
    if not free:
        return None
    program, arguments = free[int(rng.integers(len(free)))]
    return fence("python", program) + "\n" + fence("input", arguments)


def sample_inputs(reference: CodeTask, count: int, rng: np.random.Generator) -> str | None:
    """A proposal of inputs and a message; None for any program but the zero triplet's."""
    if reference.program != IDENTITY.program:
        return None
    start = int(rng.integers(1_000))
    blocks = [fence("input", str(start + i)) for i in range(count)]
    return "\n".join([*blocks, fence("message", "What comes out is what went in.")])


def sample_block(label: str, right: str, rng: np.random.Generator) -> str:
    """An answer: the right literal, or None."""
    return fence(label, right if rng.random() < 0.5 else "None")


def sample_program(task: CodeTask, rng: np.random.Generator) -> str:
    """An answer: the task's own program, or one that returns None."""
    other = "def f(*arguments):\n    return None"
    return fence("python", task.program if task.program and rng.random() < 0.5 else other)
