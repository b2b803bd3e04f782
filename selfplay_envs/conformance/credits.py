"""Promises of every game about its credits; `selfplay_envs.conformance.suite` runs them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.messages import Slot
from ..play.match import Match
from .promises import EPISODES, Subject, expect

TASKS = 4
"""Proposed tasks that are played again from the start."""


def credits_complete(subject: Subject) -> str:
    """Every message of a finished episode has a finite credit, outcomes are finite, and zero-sum games sum to 0.

    In a game of a panel, whoever sends no message in an episode that starts from a task has no credit there, and no outcome
    either unless the game is zero-sum.
    """
    zero_sum = subject.game().zero_sum
    count, tasks = 0, 0
    for seed in range(EPISODES):
        episode = subject.record(seed)
        expect(bool(episode.messages), "an episode had no message")
        expect(all(np.isfinite(m.credit) for m in episode.messages), "a credit is not finite")
        outcome = dict(episode.outcome)
        expect(all(np.isfinite(value) for value in outcome.values()), f"outcome {outcome} is not finite")
        expect(not zero_sum or abs(sum(outcome.values())) < 1e-9, f"outcome {outcome} does not sum to 0")
        count += len(episode.messages)
        if episode.proposed is not None and tasks < TASKS:
            tasks += 1
            _expect_silent_unpaid(subject.play(seed, options={"task": episode.proposed}))
    return f"{count} messages of {EPISODES} episodes" + (", outcomes sum to 0" if zero_sum else "")


def _expect_silent_unpaid(match: Match) -> None:
    """Fails where a finished match, which began with a task, has a credit for a message that was never sent."""
    if match.abandoned or getattr(match.game, "fresh", True):  # a game without `fresh` makes no such promise
        return
    remedy = "nobody proposes in an episode that starts from options['task'], see PanelGame.fresh"
    slots = [message.slot for message in match.applied]
    unsent = [tuple(slot) for slot in match.game.credit if slot not in slots]
    expect(not unsent, f"{unsent[:1]} has a credit and never spoke: {remedy}")
    seats = {slot[:2] for slot in slots}
    silent = [seat for seat in match.game.outcome if seat not in seats and not match.game.zero_sum]
    expect(not silent, f"{silent[:1]} has an outcome and never spoke: {remedy}")


def credits_once(subject: Subject) -> str:
    """A credit stays as it is once it is assigned: play step by step reports it once."""
    env: Any = subject.make().unwrapped
    for seed in range(EPISODES):
        env.reset(seed=seed)
        reported: dict[Slot, float] = {}
        while not env._match.done:
            slot = next(iter(env._match.waiting))
            reported |= {
                Slot(*slot_of): credit for *slot_of, credit in env.step(subject.moves.draw(env._match, slot).text)[4]["credit"]
            }
        if env._match.abandoned:
            continue  # nobody is charged then, whatever was reported
        for message in env.episode().messages:
            expect(
                reported[message.slot] == message.credit,
                f"the credit of {tuple(message.slot)} of seed {seed} was {reported[message.slot]} when it became known and is "
                f"{message.credit} in the end; assign it once, when it is final",
            )
    return f"{EPISODES} episodes, every credit told as it stays"
