"""The tiny model's instructions: held out, met by some answer, in one order of clauses or another, and none to train on."""

from __future__ import annotations

import numpy as np

from agents.config.run import EvalConfig
from agents.evaluation.task_sets import task_sets
from agents.rollouts.held_out import excluded_tiny
from agents.tiny.demonstrations import draw_instruction
from agents.tiny.instructions import (
    HELD_OUT,
    HELD_OUT_SEED,
    TRAINING,
    combination,
    held_out_instructions,
    held_out_rows,
    is_held_out_instruction,
    training_instructions,
)
from agents.tiny.problem_sets import problem_set
from selfplay_envs.judges.rules import parse_instruction, witness


def test_there_are_200_different_combinations_of_several_clauses_that_some_answer_meets() -> None:
    found = [combination(task["instruction"]) for task in held_out_instructions()]
    assert len(found) == len(set(found)) == HELD_OUT == 200
    for clauses in found:
        assert clauses is not None
        assert 2 <= len(clauses) <= 3
        assert witness(sorted(clauses)) is not None


def test_the_file_is_the_beginning_of_its_stream_without_what_the_warm_start_showed() -> None:
    """Drawn anew with the gaps of the file as what was shown, it is the file."""
    texts = [task["instruction"] for task in held_out_instructions()]
    drawn = [row["instruction"] for row in held_out_rows(())]
    shown = {combination(text) for text in drawn} - {combination(text) for text in texts}
    while (again := [row["instruction"] for row in held_out_rows({one for one in shown if one})]) != texts:
        new = {combination(text) for text in again} - {combination(text) for text in texts} - shown
        assert new, "the file holds what the stream does not"
        shown |= new


def test_none_of_them_is_trained_on() -> None:
    train = {combination(task["instruction"]) for task in training_instructions()}
    assert len(train) == len(training_instructions()) == TRAINING
    assert not train & {combination(task["instruction"]) for task in held_out_instructions()}


def test_a_held_out_combination_is_masked_in_any_order_and_spelling() -> None:
    text = next(task["instruction"] for task in held_out_instructions() if task["instruction"].count(";") == 2)
    turned = "; ".join(reversed(text.split("; "))).replace(" the ", " THE ") + "."
    for same in (text, turned):
        assert is_held_out_instruction(same)
        assert excluded_tiny({"instruction": same})
    part = text.split("; ")[0]
    assert not is_held_out_instruction(part)
    assert not is_held_out_instruction("prove it")
    assert not excluded_tiny({"instruction": "use exactly 3 words"})


def test_they_are_measured_by_name() -> None:
    [one] = task_sets(EvalConfig(tasks="tiny-instructions"))
    assert (one.env_id, one.count) == ("SelfPlay/InstructionChallenge-v0", HELD_OUT)
    assert list(problem_set("tiny-instructions")) == [one.env_id]


def test_draws_are_instructions_of_one_to_three_clauses() -> None:
    rng = np.random.default_rng(HELD_OUT_SEED)
    counts = [len(clauses) for _ in range(200) if not isinstance(clauses := parse_instruction(draw_instruction(rng)), str)]
    assert set(counts) == {1, 2, 3}
