"""A sample solved by a policy that knows some answers: rates by hand, in the order of the sample."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agents.analysis.curriculum.proposals import proposals_in
from agents.analysis.curriculum.solved import Rates
from agents.analysis.curriculum.solving import Solver, solve
from agents.config.run import GameMix
from agents.config.sampling import Sampling
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import Message, Referee, UsageError
from tests.helpers.planted_proposals import CHALLENGE, CODE, code_task, planted

GAMES = (
    GameMix(env_id=CODE, kwargs={"attempts": 16, "style": "terse"}),
    GameMix(env_id=CHALLENGE, kwargs={"attempts": 16, "style": "terse"}),
)
INSTRUCTION = {"instruction": "use only lowercase; use exactly 2 words"}


def answer(messages: Sequence[Message], _seed: int) -> str:
    """Right about programs that add 1, and half right about instructions."""
    shown = messages[-1].content
    if "instruction" in shown:
        return "```answer\na\n```"
    return f"```output\n{2 if 'x + 1' in shown else 99}\n```"


def solver(reserved: Sequence[str] = ()) -> Solver:
    return Solver(sampler=ScriptedSampler(answer), referee=Referee("process", reserved=reserved))


def test_rates_in_the_order_of_the_sample() -> None:
    sample = proposals_in([planted(code_task(5)), planted(INSTRUCTION, env_id=CHALLENGE), planted(code_task(1))], 1)
    told: list[int] = []
    rates = solve(solver(), sample, GAMES, 3, Sampling(), on_solved=told.append)
    assert rates == [Rates(0.0, 0.0), Rates(0.0, 0.5), Rates(1.0, 1.0)]
    assert sum(told) == 3


def test_a_task_that_cannot_be_shown_has_no_rate() -> None:
    sample = proposals_in([planted(code_task(5)), planted(code_task(1))], 1)
    assert solve(solver(["x + 5"]), sample, GAMES, 2, Sampling()) == [Rates(None, None), Rates(1.0, 1.0)]
    assert solve(solver(["def"]), sample, GAMES, 2, Sampling()) == [Rates(None, None)] * 2


def test_a_game_of_another_run_is_refused() -> None:
    sample = proposals_in([planted(code_task(5))], 1)
    with pytest.raises(UsageError, match="none of the run's"):
        solve(solver(), sample, GAMES[1:], 2, Sampling())
