"""Problem sets of the tiny model, and that none of their programs is trained on."""

from __future__ import annotations

import json

import pytest

from agents.config.run import EvalConfig
from agents.evaluation.task_sets import task_sets
from agents.tiny.folder import TINY_MODEL
from agents.tiny.problem_sets import (
    COUNT,
    FILES,
    PROGRAMS,
    out_of_domain_rows,
    problem_set,
    validation_rows,
    warm_start_overlap,
)
from agents.tiny.programs import is_held_out, run
from agents.tiny.training_tasks import training_tasks
from selfplay_envs.tasks.programs import program_key

DEDUCTION, INDUCTION = "SelfPlay/Deduction-v0", "SelfPlay/Induction-v0"


def keys(name: str) -> set[str]:
    return {program_key(task["program"]) for task in problem_set(name)[DEDUCTION]}


@pytest.mark.parametrize(("name", "rows"), [("validation", validation_rows), ("out_of_domain", out_of_domain_rows)])
def test_a_file_is_what_its_generator_makes(name: str, rows: object) -> None:
    lines = (TINY_MODEL / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == list(rows())  # type: ignore[operator]


def test_no_two_sets_share_a_program_and_none_is_trained_on() -> None:
    sets = {name: keys(name) for name in PROGRAMS}
    assert {name: len(of_set) for name, of_set in sets.items()} == {"tiny": 240, **dict.fromkeys(FILES, COUNT)}
    assert len(set().union(*sets.values())) == 240 + 2 * COUNT
    assert not set().union(*sets.values()) & {program_key(task["program"]) for task in training_tasks("induction")}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_program_is_of_the_share_that_no_warm_start_held_and_runs_as_stated(name: str) -> None:
    tasks = problem_set(name)
    assert set(tasks) == {DEDUCTION, "SelfPlay/Abduction-v0", INDUCTION}
    for pair, problem in zip(tasks[DEDUCTION], tasks[INDUCTION], strict=True):
        assert is_held_out(pair["program"])
        assert pair["program"] == problem["program"]
        assert run(pair["program"], pair["inputs"]) == tuple(pair["outputs"])
        assert run(problem["program"], problem["inputs"]) == tuple(problem["outputs"])
        assert (len(pair["inputs"]), len(problem["inputs"])) == (1, 4)


def test_they_are_measured_by_name() -> None:
    for name in FILES:
        assert [one.count for one in task_sets(EvalConfig(tasks=name))] == [COUNT] * 3


def test_the_overlap_with_the_warm_start_was_counted_on_its_own_stream() -> None:
    overlap = warm_start_overlap()
    recipe = json.loads((TINY_MODEL / "recipe.json").read_text(encoding="utf-8"))
    assert overlap["warm-start"]["programs"] == recipe["warm_start_programs"]
    assert {name: overlap[name] for name in PROGRAMS} == {
        "tiny": {"programs": 240, "in_warm_start": 0},
        **{name: {"programs": COUNT, "in_warm_start": 0} for name in FILES},
    }
    assert overlap["training"]["programs"] == 2_048
    assert 0 < overlap["training"]["in_warm_start"] < 2_048
