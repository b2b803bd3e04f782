"""Instructions of `basic` clauses for the tiny model: 200 held-out combinations, 1,024 others to train on, 100 to validate.

A combination is a set of clauses, in whatever order. Both sets hold combinations of two or three clauses, drawn as those that
the model grew up on, which some answer meets. `heldout_instructions.jsonl` holds the first 200 of a stream that the warm start
never showed (`tests.benchmarks.warm_start_overlap` counts them and writes the file): a file, as drawing the warm start's stream
anew takes half a minute. The training instructions are drawn anew, of another stream, without those of the file, and those
for validation of a third, without either.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache
from itertools import islice

import numpy as np

from selfplay_envs.checks.clauses import Clause
from selfplay_envs.judges.rules import parse_instruction

from .demonstrations import draw_instruction
from .folder import TINY_MODEL

FILE = "heldout_instructions.jsonl"
HELD_OUT, TRAINING, VALIDATION = 200, 1_024, 100
"""Combinations in each set."""
HELD_OUT_SEED, TRAINING_SEED, VALIDATION_SEED = 23, 29, 31

Combination = frozenset[Clause]


def combination(instruction: str) -> Combination | None:
    """The clauses of an instruction; None where no answer can meet it."""
    clauses = parse_instruction(instruction)
    return None if isinstance(clauses, str) else frozenset(clauses)


def held_out_rows(shown: Collection[Combination]) -> list[dict[str, str]]:
    """The rows of the file, drawn anew.

    Args:
        shown: Combinations that the warm start showed.
    """
    return [{"instruction": text} for text in islice(_stream(HELD_OUT_SEED, shown), HELD_OUT)]


def held_out_instructions() -> list[dict[str, str]]:
    """The tasks of the file, as `options={"task": ...}` takes them."""
    return [json.loads(line) for line in (TINY_MODEL / FILE).read_text(encoding="utf-8").splitlines()]


def is_held_out_instruction(instruction: str) -> bool:
    """Whether an instruction is a held-out combination, in any order and wording of its clauses."""
    return combination(instruction) in _held_out()


@cache
def training_instructions() -> tuple[dict[str, str], ...]:
    """Tasks to train on, none of them a held-out combination; the warm start may have shown some."""
    return tuple({"instruction": text} for text in islice(_stream(TRAINING_SEED, _held_out()), TRAINING))


@cache
def validation_instructions() -> tuple[dict[str, str], ...]:
    """Tasks to measure on the way, none of them held out or trained on; the warm start may have shown some."""
    others = {*_held_out(), *(combination(task["instruction"]) for task in training_instructions())}
    return tuple({"instruction": text} for text in islice(_stream(VALIDATION_SEED, others), VALIDATION))


@cache
def _held_out() -> frozenset[Combination | None]:
    return frozenset(combination(task["instruction"]) for task in held_out_instructions())


def _stream(seed: int, others: Collection[Combination | None]) -> Iterator[str]:
    """Endless different combinations of two or three clauses that can be met and are none of `others`."""
    rng, known = np.random.default_rng(seed), set(others)
    while True:
        text = draw_instruction(rng)
        found = combination(text)
        if found is not None and len(found) > 1 and found not in known:
            known.add(found)
            yield text
