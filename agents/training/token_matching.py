"""Steps of equally many trained tokens: whole episodes are left out by chance, or further ones are played."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from selfplay_envs import Episode, Start
from selfplay_envs.names.registration import answering_roles

from ..algorithms.algorithm import Algorithm
from ..batching.batch import collate, samples_of
from ..learner.prepare import selected

MOST_FURTHER = 8
"""Further collections of a step at most; each is as large as what is missing, as far as a step's starts go."""
TokensOf = Callable[[Sequence[Episode]], list[int]]
"""Tokens of each episode that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The episodes of a step, of which as many train as the budget asks."""

    episodes: list[Episode]
    """All that were played, in the order of their starts, further ones behind; what is left out is masked."""
    tokens: int
    """That train."""
    left_out: int
    """Episodes that would have trained and do not."""
    tokens_left_out: int
    further: int
    """Collections that were played beside the step's own."""


def match_tokens(
    episodes: Sequence[Episode],
    tokens_of: TokensOf,
    budget: int,
    play: Callable[[list[Start], int], list[Episode]],
    starts: Callable[[int], list[Start]],
    rng: np.random.Generator,
    *,
    collected: int = 0,
) -> Matched:
    """Keeps episodes in random order up to and including the one with which `budget` tokens are there.

    That is a stopping rule: whether the next episode is taken depends on those before it alone, so that by Wald's identity what
    is kept has the mean length of episodes, in the mean over plays and orders. (Of one fixed set of plays, the longer ones are
    kept a little more often: by 1 % with some thirty episodes.) Leaving out whichever does not fit any more would leave out
    long ones more often. A step exceeds its budget by a part of its last episode.

    Args:
        episodes: Of the step so far.
        tokens_of: Which tokens count.
        budget: Tokens to reach.
        play: Plays starts, given the number of the collection, and returns them as they shall train.
        starts: All starts of a further collection, by its number.
        rng: Draws the order, and which starts are played.
        collected: Further collections that the step had already, for another reason.

    Returns:
        All episodes, those masked that are left out. After `MOST_FURTHER` further collections less than the budget may train.
    """
    played, order, further = list(episodes), rng.permutation(len(episodes)).tolist(), 0
    tokens = tokens_of(played)
    while sum(tokens) < budget and further < MOST_FURTHER:
        further += 1
        offered = starts(collected + further)
        missing, mean = budget - sum(tokens), sum(tokens) / max(1, len(played))
        wanted = min(len(offered), math.ceil(missing / mean)) if mean else len(offered)
        chosen = sorted(rng.permutation(len(offered))[:wanted].tolist())
        more = play([offered[place] for place in chosen], collected + further)
        order += [len(played) + int(place) for place in rng.permutation(len(more))]
        played += more
        tokens = tokens_of(played)
    kept = set(kept_places([tokens[place] for place in order], budget))
    left = {place for number, place in enumerate(order) if number not in kept}
    return Matched(
        episodes=[_masked(episode) if place in left else episode for place, episode in enumerate(played)],
        tokens=sum(count for place, count in enumerate(tokens) if place not in left),
        left_out=sum(tokens[place] > 0 for place in left),
        tokens_left_out=sum(tokens[place] for place in left),
        further=further,
    )


def kept_places(tokens: Sequence[int], budget: int) -> range:
    """The first places whose tokens reach the budget, the one with which they do included; all where they never do."""
    total = 0
    for place, count in enumerate(tokens):
        total += count
        if total >= budget:
            return range(place + 1)
    return range(len(tokens))


def tokens_by_episode(
    episodes: Sequence[Episode], algorithm: Algorithm, roles: Collection[str], *, answers: bool, reply_limit: int
) -> list[int]:
    """Tokens of every episode that an update on all of them would train on.

    Args:
        episodes: Of one step.
        algorithm: Whose selection of messages counts: constant groups, wrong samples and cut-off replies that it drops do not.
        roles: That train.
        answers: Of roles alone that answer a task in their game.
        reply_limit: Tokens of the longest reply allowed.
    """
    counts = [0] * len(episodes)
    samples = samples_of(episodes, roles)
    if not samples:
        return counts
    batch = collate(samples)
    selection = selected(batch, algorithm.groups(batch), algorithm, reply_limit)
    if selection is None:
        return counts
    batch, _ = selection
    cut = [False] * len(batch) if batch.cut_B is None or algorithm.objective.cut_off == "train" else batch.cut_B.tolist()
    for tag, tokens, dropped in zip(batch.tags, batch.mask_BT.sum(-1).tolist(), cut, strict=True):
        if not dropped and (not answers or tag.role in answering_roles([episodes[tag.episode].env_id])):
            counts[tag.episode] += int(tokens)
    return counts


def short_of_budget(step: int, matched: Matched, budget: int) -> str:
    """The sentence about a step that could not reach its budget; empty where it did."""
    if matched.tokens >= budget:
        return ""
    return (
        f"step {step} trains {matched.tokens:,} of tokens_per_step={budget:,} tokens, after {matched.further} further "
        "collections; give a step more episodes (fresh, replay or fixed), or lower tokens_per_step."
    )


def _masked(episode: Episode) -> Episode:
    return replace(episode, messages=tuple(replace(turn, masked=True) for turn in episode.messages))
