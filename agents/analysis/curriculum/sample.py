"""A fixed sample of the valid proposals of a run: as many of every recorded step, the same whenever it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...core.seeding import generator_of
from .proposals import Proposal


def draw_sample(proposals: Sequence[Proposal], count: int, seed: int = 0) -> list[Proposal]:
    """At most `count` of the valid proposals, spread evenly over the steps, in their order.

    Of every step, a larger sample holds what a smaller one does.

    Args:
        proposals: Of one run.
        count: Proposals.
        seed: Names the draw; each step has a generator of its own.
    """
    by_step: dict[int, list[Proposal]] = {}
    for one in proposals:
        if one.valid and one.task is not None:
            by_step.setdefault(one.step, []).append(one)
    shares = shares_of({step: len(some) for step, some in by_step.items()}, count)
    drawn: list[Proposal] = []
    for step, share in sorted(shares.items()):
        order = generator_of("curriculum", "sample", seed, step).permutation(len(by_step[step]))
        drawn += [by_step[step][place] for place in sorted(order[:share].tolist())]
    return drawn


def shares_of(there: Mapping[int, int], count: int) -> dict[int, int]:
    """How many of each step: as equal as what is there allows; a rest that does not reach all is spread evenly.

    Args:
        there: Proposals by step.
        count: In all.
    """
    shares, left = dict.fromkeys(sorted(there), 0), count
    while open_ := [step for step in shares if shares[step] < there[step]]:
        if left < len(open_):
            for step in spread(open_, left):
                shares[step] += 1
            return shares
        for step in open_:
            more = min(left // len(open_), there[step] - shares[step])
            shares[step] += more
        left = count - sum(shares.values())
    return shares


def spread(steps: Sequence[int], most: int) -> list[int]:
    """At most so many of the steps, evenly spread, the first and the last among them; of one the last."""
    if len(steps) <= most:
        return list(steps)
    if most < 2:
        return list(steps[len(steps) - most :])
    return [steps[round(place * (len(steps) - 1) / (most - 1))] for place in range(most)]
