"""Control arms: rewards that carry no information, or have the wrong sign, to see what training does without a true one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..core.records import Episode, Turn


def control_arm(
    episodes: Sequence[Episode], trains: Callable[[Turn], bool], arm: str, rng: np.random.Generator
) -> list[Episode]:
    """Episodes with the rewards of a control arm: credit and terms of a message change together.

    Args:
        episodes: Of one batch, with their true rewards.
        trains: Whether a message trains; others keep their rewards.
        arm: `true` leaves them; `random` permutes them within each role and task type, which keeps mean and variance there and
            breaks the tie to the message; `flipped` negates them.
        rng: Draws the permutation.

    Raises:
        ValueError: The arm is not known.
    """
    if arm not in ("true", "random", "flipped"):
        raise ValueError(f"reward={arm!r} is not known; choose true, random or flipped.")
    if arm == "true":
        return list(episodes)
    places = [(e, m) for e, episode in enumerate(episodes) for m, turn in enumerate(episode.messages) if trains(turn)]
    turns = [episodes[e].messages[m] for e, m in places]
    rewarded = [_flipped(turn) for turn in turns] if arm == "flipped" else _permuted(turns, rng)
    messages = [list(episode.messages) for episode in episodes]
    for (e, m), turn in zip(places, rewarded, strict=True):
        messages[e][m] = turn
    return [replace(episode, messages=tuple(turns)) for episode, turns in zip(episodes, messages, strict=True)]


def _flipped(turn: Turn) -> Turn:
    return replace(turn, credit=-turn.credit, terms={name: -amount for name, amount in turn.terms.items()})


def _permuted(turns: Sequence[Turn], rng: np.random.Generator) -> list[Turn]:
    """Messages with each other's rewards, drawn within role and task type."""
    groups = [(turn.slot.role, turn.task_type) for turn in turns]
    rewarded = list(turns)
    for group in dict.fromkeys(groups):
        members = np.array([index for index, other in enumerate(groups) if other == group])
        for index, source in zip(members.tolist(), rng.permutation(members).tolist(), strict=True):
            rewarded[index] = replace(turns[index], credit=turns[source].credit, terms=turns[source].terms)
    return rewarded
