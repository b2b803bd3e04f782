"""Seven messages, small enough for every number about them to be worked out by hand.

    message   role      prompt  episode  credit  old log-probabilities  ratios new / old   log(old / reference)
    0         proposer  make    0         0.75   -3 -2                  8    1              0.2 -0.1
    1         proposer  make    1         0.25   -0.5                   1/2                 0.4
    2         solver    q       0         1      -1 -2 -1               5/4  1  1/2         0.1  0.1  0.1
    3         solver    q       0        -0.5    -1 -1                  1/2  2             -0.2  0
    4         solver    q       0         0.25   -1.5                   1                   0.5
    5         solver    r       1         0.5    -1                     13/10               0
    6         solver    r       1         0.5    -2                     9/10                0.3

11 tokens. Sums of new log-probabilities per message, -5 + ln 8 and so on:
-2.9205585, -1.1931472, -4.4700036, -2, -1.5, -0.7376357, -2.1053605.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping, Sequence

import numpy as np
import torch
from torch import Tensor

from agents.algorithms.algorithm import Algorithm
from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.config.objective import Option
from agents.learner.prepare import prepare
from agents.learner.prepared_batch import Prepared
from agents.learner.step_loss import step_loss
from agents.models.forward import BatchScores, Scored
from selfplay_envs import Reply

Ragged = Sequence[Sequence[float]]

ROLES = ("proposer", "proposer", "solver", "solver", "solver", "solver", "solver")
PROMPTS = ("make", "make", "q", "q", "q", "r", "r")
EPISODES = (0, 1, 0, 0, 0, 1, 1)
CREDITS = (0.75, 0.25, 1.0, -0.5, 0.25, 0.5, 0.5)
OLD: Ragged = ((-3, -2), (-0.5,), (-1, -2, -1), (-1, -1), (-1.5,), (-1,), (-2,))
RATIOS: Ragged = ((8, 1), (0.5,), (1.25, 1, 0.5), (0.5, 2), (1,), (1.3,), (0.9,))
ABOVE_REFERENCE: Ragged = ((0.2, -0.1), (0.4,), (0.1, 0.1, 0.1), (-0.2, 0), (0.5,), (0,), (0.3,))
NEW: Ragged = tuple(tuple(o + math.log(r) for o, r in zip(*pair, strict=True)) for pair in zip(OLD, RATIOS, strict=True))
VALUES: Ragged = ((0.25, 0.5), (0.5,), (0, 0.5, 0.25), (0.25, -0.25), (0.75,), (0.25,), (0,))
"""What the value head said when the batch came in."""
NEW_VALUES: Ragged = ((0.75, 0.5), (0.125,), (0.1, 1, 0.25), (0.25, -0.5), (0.5,), (0.5,), (0.125,))
"""What it says now."""
ENTROPIES: Ragged = ((1.5, 0.25), (0.75,), (2, 1, 0.5), (1.25, 1.75), (0.125,), (1,), (0.375,))


def golden_batch() -> TokenBatch:
    """The table above; `Tag.message` is the first column."""
    prompts = {"make": (5,), "q": (6, 7), "r": (8,)}
    return collate(
        [
            Sample(
                Reply(text="", prompt_ids=prompts[prompt], token_ids=tuple(range(9, 9 + len(old))), logprobs=tuple(old)),
                credit,
                Tag(role=role, task_type="x", prompt_id=prompt, env_id="g", episode=episode, message=index),
            )
            for index, (role, prompt, episode, credit, old) in enumerate(
                zip(ROLES, PROMPTS, EPISODES, CREDITS, OLD, strict=True)
            )
        ]
    )


def flat(batch: TokenBatch, ragged: Ragged) -> Tensor:
    """One number per sampled token of the messages that are in `batch`, in its order."""
    return torch.tensor([float(value) for tag in batch.tags for value in ragged[tag.message]])


def spread(batch: TokenBatch, ragged: Ragged) -> Tensor:
    """The same as (B, T)."""
    return torch.zeros(batch.mask_BT.shape).masked_scatter(batch.mask_BT, flat(batch, ragged))


def row_of(name: str, options: Mapping[str, Option] | None = None) -> Algorithm:
    return ALGORITHMS[name].configured(options or {})


class KnownScores:
    """A scorer whose model says `own`, and whose reference says what lies below `OLD` by `ABOVE_REFERENCE`."""

    def __init__(self, own: Ragged = OLD) -> None:
        self._own = own

    def score_batch(self, batch: TokenBatch) -> BatchScores:
        return BatchScores(spread(batch, self._own), spread(batch, ENTROPIES), spread(batch, VALUES))

    def reference_logprobs(self, batch: TokenBatch) -> Tensor:
        return spread(batch, [[o - k for o, k in zip(*pair, strict=True)] for pair in zip(OLD, ABOVE_REFERENCE, strict=True)])


def ready_of(
    row: Algorithm,
    *,
    batch: TokenBatch | None = None,
    state: MutableMapping[str, float] | None = None,
    own: Ragged = OLD,
    reply_limit: int = 0,
    steps: int = 2,
    policy_version: int | None = None,
) -> Prepared:
    """The batch, prepared by a learner whose log-probabilities are `own` and whose reference is that of the table.

    With two steps to come ratios are those of the second, when the learner says `NEW`.
    """
    ready = prepare(
        golden_batch() if batch is None else batch,
        row,
        KnownScores(own),
        state={} if state is None else state,
        rng=np.random.default_rng(0),
        reply_limit=reply_limit,
        steps=steps,
        policy_version=policy_version,
    )
    assert ready is not None
    return ready


def losses_of(row: Algorithm, ready: Prepared, *, micro: int = 7, new: Ragged = NEW) -> list[float]:
    """The loss of every micro-batch of `micro` messages, under the new log-probabilities and values."""
    found: list[float] = []
    for start in range(0, len(ready.batch), micro):
        rows = list(range(start, min(start + micro, len(ready.batch))))
        part = ready.batch.rows(rows)
        scored = Scored(flat(part, new), flat(part, ENTROPIES), flat(part, NEW_VALUES), slots=0, used=0)
        found.append(step_loss(scored, ready, rows, part.mask_BT, row)[0].item())
    return found
