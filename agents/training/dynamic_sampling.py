"""Dynamic sampling: further episodes of a step make up for the groups whose returns are all equal and teach nothing.

See: Yu et al., DAPO, arXiv 2503.14476, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch

from selfplay_envs import Episode, Start

from ..algorithms.algorithm import Algorithm
from ..batching.batch import samples_of
from ..batching.groups import Groups


def refill(
    episodes: list[Episode],
    algorithm: Algorithm,
    roles: Collection[str],
    play: Callable[[list[Start], int], list[Episode]],
    starts: Callable[[int], list[Start]],
    rng: np.random.Generator,
) -> tuple[list[Episode], int]:
    """Adds episodes to a step in place of those that would be dropped, at most `refills` times.

    Every time the share of trained messages whose group is constant is measured, and that share of a step's starts, drawn
    evenly over all of them, is played. Constant is meant as in `learner.prepare.selected`: before penalties on length or KL.

    Args:
        episodes: Of the step so far.
        algorithm: Whose groups, and whose `refills`; one that keeps constant groups adds nothing.
        roles: That train.
        play: Plays starts, given the number of the collection, and returns them as they shall train.
        starts: All starts of a further collection, by its number from 1.
        rng: Draws which of them.

    Returns:
        All episodes, and how many collections were added.
    """
    objective, added = algorithm.objective, 0
    size = len(episodes)
    messages = max(1, len(samples_of(episodes, roles)))
    while objective.constant_groups == "drop" and added < objective.refills:
        missing = math.ceil(size * (1 - _informative_messages(episodes, algorithm, roles) / messages))
        if missing <= 0:
            break
        added += 1
        offered = starts(added)
        chosen = sorted(rng.permutation(len(offered))[:missing].tolist())
        episodes = [*episodes, *play([offered[index] for index in chosen], added)]
    return episodes, added


def _informative_messages(episodes: Sequence[Episode], algorithm: Algorithm, roles: Collection[str]) -> int:
    """Trained messages whose groups have different returns."""
    samples = samples_of(episodes, roles)
    if not samples:
        return 0
    returns_B = torch.tensor([sample.training_return for sample in samples])
    groups = Groups.of([sample.tag for sample in samples], algorithm.group_by, returns_B)
    return int((~groups.constant_B).sum())
