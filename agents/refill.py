"""Dynamic sampling: further episodes of a step make up for the groups whose returns are all equal and teach nothing.

See: Yu et al., DAPO, arXiv 2503.14476, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch

from selfplay_envs import Episode, Start

from .algorithm import Algorithm
from .batch import group_numbers, samples_of
from .selection import informative


def refill(
    episodes: list[Episode],
    algorithm: Algorithm,
    roles: Collection[str],
    play: Callable[[list[Start], int], list[Episode]],
    starts: Callable[[int], list[Start]],
    rng: np.random.Generator,
) -> tuple[list[Episode], int]:
    """The episodes of a step and those played to replace what would be dropped, at most `refills` times.

    Every time the share of trained messages whose group is constant is measured, and that share of a step's starts, drawn
    evenly over all of them, is played. Constant is what `prepare.selected` calls so: before prices on length or KL.

    Args:
        episodes: Of the step so far.
        algorithm: Whose groups, and whose `refills`; one that keeps constant groups asks for nothing.
        roles: That train.
        play: Plays starts, given the number of the collection, and returns them as they shall train.
        starts: All starts of a further collection, by its number from 1.
        rng: Draws which of them.

    Returns:
        All episodes, and how many collections were added.
    """
    objective, added = algorithm.objective, 0
    wanted = len(episodes)
    while objective.constant_groups == "drop" and added < objective.refills:
        missing = math.ceil(
            wanted * (1 - _informative_messages(episodes, algorithm, roles) / _messages(episodes[:wanted], roles))
        )
        if missing <= 0:
            break
        added += 1
        offered = starts(added)
        chosen = sorted(rng.permutation(len(offered))[:missing].tolist())
        episodes = [*episodes, *play([offered[index] for index in chosen], added)]
    return episodes, added


def _messages(episodes: Sequence[Episode], roles: Collection[str]) -> int:
    return max(1, len(samples_of(episodes, roles)))


def _informative_messages(episodes: Sequence[Episode], algorithm: Algorithm, roles: Collection[str]) -> int:
    samples = samples_of(episodes, roles)
    if not samples:
        return 0
    returns_B = torch.tensor([sample.credit for sample in samples])
    return len(informative(returns_B, group_numbers([sample.tag for sample in samples], algorithm.group_by)))
