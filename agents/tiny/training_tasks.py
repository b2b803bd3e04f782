"""Training tasks for the tiny model: 2,048 programs outside the held-out share, for runs that learn from fixed tasks.

`training.jsonl` holds them in the form of the held-out files, as `training_rows` makes them: different programs (by syntax
tree) as `sample_task` draws them, so that they are spread as those that the model grew up on. A file, as drawing takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from selfplay_envs import read_azr_tasks
from selfplay_envs.tasks.code_task import CodeTask
from selfplay_envs.tasks.programs import program_key

from .folder import TINY_MODEL
from .programs import Task, sample_task

COUNT = 2_048
"""Programs in the file."""
SEED = 13
NUM_INPUTS = 4
"""Pairs of each; the first one is what deduction and abduction ask about."""


def training_rows(count: int = COUNT) -> Iterator[dict[str, Any]]:
    """The first `count` rows of the file, drawn anew."""

    def rows() -> Iterator[dict[str, Any]]:
        rng, known = np.random.default_rng(SEED), set[str]()
        while True:
            task = sample_task(rng, num_inputs=NUM_INPUTS, held_out=False)
            if (key := program_key(task.program)) not in known:
                known.add(key)
                yield row_of(task)

    return islice(rows(), count)


def training_tasks(task_type: str) -> list[dict[str, Any]]:
    """The tasks of `deduction`, `abduction` or `induction`, as `options={"task": ...}` takes them: one per program."""
    tasks = read_azr_tasks(TINY_MODEL / "training.jsonl")
    return [(task if task_type == "induction" else first_pair(task)).to_json() for task in tasks]


def row_of(task: Task) -> dict[str, Any]:
    """A program and its pairs as a line of a file."""
    pairs = {"inputs": list(task.inputs), "outputs": list(task.outputs)}
    return {"snippet": task.program, **pairs, "message": task.signature, "imports": []}


def first_pair(task: CodeTask) -> CodeTask:
    """The program with its first input and output, as deduction and abduction ask about it."""
    return CodeTask(program=task.program, inputs=task.inputs[:1], outputs=task.outputs[:1])
