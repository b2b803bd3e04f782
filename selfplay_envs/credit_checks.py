"""What every game promises about what it pays, for `selfplay_envs.checking`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .conformance import EPISODES, Subject, expect
from .game import Slot


def credits_complete(subject: Subject) -> str:
    """Every message of a finished episode has a finite credit, outcomes are finite, and zero-sum games sum to 0."""
    zero_sum = subject.game().zero_sum
    count = 0
    for seed in range(EPISODES):
        episode = subject.record(seed)
        expect(bool(episode.messages), "an episode had no message")
        expect(all(np.isfinite(m.credit) for m in episode.messages), "a credit is not finite")
        outcome = dict(episode.outcome)
        expect(all(np.isfinite(value) for value in outcome.values()), f"outcome {outcome} is not finite")
        expect(not zero_sum or abs(sum(outcome.values())) < 1e-9, f"outcome {outcome} does not sum to 0")
        count += len(episode.messages)
    return f"{count} messages of {EPISODES} episodes" + (", outcomes sum to 0" if zero_sum else "")


def credits_once(subject: Subject) -> str:
    """A credit stays as it is once it is assigned: whoever plays step by step is told of it once."""
    env: Any = subject.make().unwrapped
    for seed in range(EPISODES):
        env.reset(seed=seed)
        told: dict[Slot, float] = {}
        while not env._match.done:
            slot = next(iter(env._match.waiting))
            told |= {
                Slot(*where): credit for *where, credit in env.step(subject.moves.draw(env._match, slot).text)[4]["credit"]
            }
        if env._match.abandoned:
            continue  # nobody is charged then, whatever was told
        for message in env.episode().messages:
            expect(
                told[message.slot] == message.credit,
                f"the credit of {tuple(message.slot)} of seed {seed} was {told[message.slot]} when it became known and is "
                f"{message.credit} in the end; assign it once, when it is final",
            )
    return f"{EPISODES} episodes, every credit told as it stays"
