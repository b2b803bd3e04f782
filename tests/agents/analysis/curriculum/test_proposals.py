"""Proposals of planted episodes: which messages are some, their rates by hand, and what earlier steps knew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.analysis.curriculum.proposals import (
    Proposal,
    last_solve_rate,
    lengths_by_solve_rate,
    proposals_in,
    proposals_of_run,
    solve_rate_histogram,
)
from selfplay_envs import Episode, Verdict
from tests.helpers.planted_proposals import CHALLENGE, code_task, planted, write_planted_run


def test_rates_of_a_panel_by_hand() -> None:
    [one] = proposals_in([planted(code_task(), [1, 1, 0, 0.5], tokens=20)], 7)
    assert (one.step, one.group, one.game, one.valid) == (7, "proposer/deduction", "SelfPlay/Deduction-v0", True)
    assert (one.solve_rate, one.score) == (0.5, 0.625)
    assert (one.tokens, one.answer_tokens, one.characters) == (20, 10.0, len("proposal"))


def test_void_answers_do_not_count_and_void_proposals_are_none() -> None:
    [one] = proposals_in([planted(code_task(), [1, 0, 0], void=("", "", "lost"))], 1)
    assert one.solve_rate == 0.5
    [nothing] = proposals_in([planted(code_task(), [1], void=("", "lost"))], 1)
    assert (nothing.solve_rate, nothing.score) == (None, None)
    assert proposals_in([planted(code_task(), [1], void=("lost",))], 1) == []


def test_what_is_not_valid_is_counted_without_a_task() -> None:
    [one] = proposals_in([planted(None, text="x" * 5, tokens=3)], 1)
    assert (one.valid, one.characters, one.tokens, one.task, one.key, one.known) == (False, 5, 3, None, None, None)


def test_answers_to_given_tasks_are_no_proposals() -> None:
    episode = planted(code_task(), [1, 0])
    solved = Episode(
        env_id=episode.env_id, kwargs={}, seed=0, options={"task": code_task()}, messages=episode.messages[1:], outcome={}
    )
    assert proposals_in([solved], 1) == []


def test_instructions_are_proposals_of_the_challenger() -> None:
    [one] = proposals_in([planted({"instruction": "use only lowercase"}, [0.5, 1], env_id=CHALLENGE)], 1)
    assert (one.group, one.shape, one.solve_rate, one.score) == ("challenger/instruction", "case", 0.5, 0.75)


def test_what_earlier_steps_have_is_known(tmp_path: Path) -> None:
    of_step = {10: [1, 1], 20: [1, 2], 30: [3, 2]}
    run = write_planted_run(
        tmp_path / "run", lambda step, _: [planted(code_task(n)) for n in of_step[step]], steps=[10, 20, 30]
    )
    assert [one.known for one in proposals_of_run(run)] == [None, None, True, False, False, True]


def rated(step: int, rate: float | None, tokens: float | None = None) -> Proposal:
    return Proposal(
        step=step, game="g", role="r", task_type="t", valid=True, characters=1, tokens=1, solve_rate=rate, answer_tokens=tokens
    )


def test_the_end_of_a_run_is_the_last_fifth_of_its_steps() -> None:
    proposals = [rated(step, step / 100) for step in range(10, 101, 10)]
    assert last_solve_rate(proposals) == pytest.approx(0.95)
    assert last_solve_rate([rated(1, None)]) is None


def test_histograms_and_lengths_by_hand() -> None:
    proposals = [rated(1, 0.0, 4), rated(1, 0.5, 8), rated(1, 0.5, 10), rated(2, 1.0, 2), rated(2, None, 99)]
    assert solve_rate_histogram(proposals, 2) == {1: [1 / 3, 2 / 3, 0.0], 2: [0.0, 0.0, 1.0]}
    assert lengths_by_solve_rate(proposals) == {"0 to 0.25": 4.0, "0.25 to 0.5": 9.0, "0.75 to 1": 2.0}


def test_requests_and_answers_that_look_like_code() -> None:
    answers = ["def f(x):", "```answer\nprint(x)\n```", "```answer\nno code\n```", "no code"]
    request = planted({"instruction": "write import os"}, [1] * 4, env_id=CHALLENGE, answers=answers)
    [one] = proposals_in([request], 1)
    assert (one.code, one.answers_code) == (False, 0.5)  # the fence of a block that an answer stands in is none
    *rest, last = request.messages
    verdict = Verdict(valid=False, reason="no_answer")
    broken = replace(last, reply=replace(last.reply, text="```answer\nno end"), verdict=verdict)
    [one] = proposals_in([replace(request, messages=(*rest, broken))], 1)
    assert one.answers_code == 2 / 3  # a block that was left open is no code
    [one] = proposals_in([planted({"instruction": "mend this:\nimport os"}, [], env_id=CHALLENGE)], 1)
    assert (one.code, one.answers_code) == (True, None)
    [program] = proposals_in([planted(code_task(), [1])], 1)
    assert (program.code, program.answers_code) == (None, None)
