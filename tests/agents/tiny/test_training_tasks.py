from __future__ import annotations

import json

from agents.tiny.folder import TINY_MODEL
from agents.tiny.programs import is_held_out, run
from agents.tiny.training_tasks import COUNT, training_rows, training_tasks
from selfplay_envs.tasks.programs import program_key


def test_the_file_is_what_its_generator_makes() -> None:
    lines = (TINY_MODEL / "training.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines[:12]] == list(training_rows(12))


def test_no_two_are_one_program_and_none_is_held_out() -> None:
    programs = [task["program"] for task in training_tasks("induction")]
    assert len(programs) == len({program_key(program) for program in programs}) == COUNT
    assert not any(map(is_held_out, programs))


def test_pairs_and_problems_are_of_the_same_programs_and_hold() -> None:
    pairs, problems = training_tasks("deduction"), training_tasks("induction")
    assert pairs == training_tasks("abduction")
    for pair, problem in zip(pairs[:50], problems, strict=False):
        assert run(problem["program"], problem["inputs"]) == tuple(problem["outputs"])
        assert (pair["program"], pair["inputs"], pair["outputs"]) == (
            problem["program"],
            problem["inputs"][:1],
            problem["outputs"][:1],
        )
        assert (len(problem["inputs"]), pair["message"], bool(problem["message"])) == (4, "", True)
