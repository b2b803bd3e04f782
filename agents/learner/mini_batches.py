"""The optimiser steps of one update: the messages that each is taken on, and the metrics of all together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .prepared_batch import Prepared

EXTREMES = {"ratio_min": min, "ratio_max": max}


def steps_of(ready: Prepared, epochs: int, mini_batches: int, rng: np.random.Generator) -> Iterator[Prepared]:
    """Mini-batches of the steps of an update, one after the other: in every pass each message once.

    Args:
        ready: The whole batch.
        epochs: Passes over it.
        mini_batches: Parts of about equal numbers of messages that a pass is cut into; 1 leaves the batch as it is, and draws
            nothing. Never more than there are units, which stay whole.
        rng: Draws which units go together, anew for every pass.
    """
    if mini_batches == 1:
        yield from [ready] * epochs
        return
    units = ready.units()
    count = min(mini_batches, len(units))
    for _ in range(epochs):
        for share in np.array_split(rng.permutation(len(units)), count):
            yield ready.part([row for unit in sorted(share.tolist()) for row in units[unit]])


def over_steps(rows: Sequence[Mapping[str, float]], epochs: int) -> dict[str, float]:
    """The metrics of an update from those of its steps: means weighted by tokens, of a group by the group's tokens.

    `tokens` are those of one pass, and ratio_min and ratio_max the least and the largest of all steps.

    Args:
        rows: One per step; a group `role/task_type` that has no message in a step is not in its row.
        epochs: Passes that the steps make together.
    """
    if len(rows) == 1:
        return dict(rows[0])
    means: dict[str, float] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        named = [row for row in rows if name in row]
        group, _, what = name.rpartition("/")
        if what in EXTREMES:
            means[name] = EXTREMES[what](row[name] for row in named)
        elif what == "tokens":
            means[name] = sum(row[name] for row in named) / epochs
        else:
            weights = [row.get(f"{group}/tokens" if group else "tokens", row["tokens"]) for row in named]
            means[name] = float(np.average([row[name] for row in named], weights=weights))
    return means
