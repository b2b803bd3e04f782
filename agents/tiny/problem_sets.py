"""The tiny model's problem sets by name: held out, to choose settings by, and out of its domain; all outside of training.

Every program of the three is of the held-out share (`is_held_out`), which neither the warm start nor the training tasks touch
and in which proposals are masked; no two sets share a program, by syntax tree. `validation.jsonl` and `out_of_domain.jsonl`
have the form of `training.jsonl`, and hold what `validation_rows` and `out_of_domain_rows` draw.

The held-out files hold the first 240 programs that a stream of that share brought, so that validation, drawn of the rest, has
fewer of the short common ones. `tiny-instructions` are the held-out combinations of clauses, and
`tiny-instructions-validation` others: see `instructions`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from selfplay_envs import read_azr_tasks
from selfplay_envs.tasks.programs import program_key

from .folder import TINY_MODEL
from .instructions import held_out_instructions, validation_instructions
from .new_operations import sample_long_task
from .programs import Task, sample_task
from .training_tasks import NUM_INPUTS, first_pair, row_of

FILES = {"tiny-validation": "validation.jsonl", "tiny-out-of-domain": "out_of_domain.jsonl"}
"""Files of the sets whose pairs and problems are of one file."""
PROGRAMS = ("tiny", *FILES)
"""Sets of programs, which the code games ask about."""
INSTRUCTIONS: dict[str, Callable[[], Collection[Mapping[str, str]]]] = {
    "tiny-instructions": held_out_instructions,
    "tiny-instructions-validation": validation_instructions,
}
"""Sets of instructions."""
NAMES = (*PROGRAMS, *INSTRUCTIONS)
COUNT = 60
"""Programs of each of `FILES`, of which each task type asks once."""
VALIDATION_SEED, OUT_OF_DOMAIN_SEED = 17, 19


def problem_set(name: str) -> dict[str, list[dict[str, Any]]]:
    """Tasks by env id, as `options={"task": ...}` takes them: pairs for deduction and abduction, problems for induction.

    A set of instructions holds those of its own game alone.

    Args:
        name: One of `NAMES`.
    """
    if name in INSTRUCTIONS:
        return {"SelfPlay/InstructionChallenge-v0": [dict(task) for task in INSTRUCTIONS[name]()]}
    if name == "tiny":
        pairs = [task.to_json() for task in read_azr_tasks(TINY_MODEL / "heldout_triplets.jsonl")]
        problems = [task.to_json() for task in read_azr_tasks(TINY_MODEL / "heldout_induction.jsonl")]
    else:
        tasks = [*read_azr_tasks(TINY_MODEL / FILES[name])]
        pairs, problems = [first_pair(task).to_json() for task in tasks], [task.to_json() for task in tasks]
    return {"SelfPlay/Deduction-v0": pairs, "SelfPlay/Abduction-v0": pairs, "SelfPlay/Induction-v0": problems}


def warm_start_overlap() -> dict[str, dict[str, int]]:
    """Per set, and for the `training` tasks, its programs and how many of them the warm start showed, by syntax tree.

    Counted on the warm start's stream, drawn anew with the recipe's seed, which takes half a minute: `tests.benchmarks.
    warm_start_overlap` wrote the file. Of the held-out share it is 0 by construction.
    """
    return json.loads((TINY_MODEL / "warm_start_overlap.json").read_text(encoding="utf-8"))


def validation_rows() -> Iterator[dict[str, Any]]:
    """The rows of `validation.jsonl`, drawn anew: programs as the model grew up on, none of the shipped held-out ones."""
    shipped = {program_key(task.program) for task in read_azr_tasks(TINY_MODEL / "heldout_triplets.jsonl")}
    return _rows(lambda rng: sample_task(rng, num_inputs=NUM_INPUTS, held_out=True), VALIDATION_SEED, shipped)


def out_of_domain_rows() -> Iterator[dict[str, Any]]:
    """The rows of `out_of_domain.jsonl`, drawn anew: see `new_operations`."""
    return _rows(lambda rng: sample_long_task(rng, num_inputs=NUM_INPUTS), OUT_OF_DOMAIN_SEED, ())


def _rows(draw: Callable[[np.random.Generator], Task], seed: int, others: Collection[str]) -> Iterator[dict[str, Any]]:
    """The first `COUNT` different programs of a stream that are none of `others`."""

    def rows() -> Iterator[dict[str, Any]]:
        rng, known = np.random.default_rng(seed), set(others)
        while True:
            task = draw(rng)
            if (key := program_key(task.program)) not in known:
                known.add(key)
                yield row_of(task)

    return islice(rows(), COUNT)
