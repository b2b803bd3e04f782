"""A batch that is ready for gradients, and the mini-batches that it can be cut into.

Micro-batches share the denominators of what they are parts of; a mini-batch is a step of its own and has its own.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from ..algorithms.aggregate import denominators
from ..batching.batch import TokenBatch
from ..config.objective import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch that is ready for gradients."""

    batch: TokenBatch
    """The messages that train."""
    advantage_BT: Tensor
    """Token weights included."""
    old_BT: Tensor | None
    """Log-probabilities that ratios are taken against; None: the learner's own at that very moment, so that ratios are 1."""
    own_B: Tensor
    """Messages whose old log-probabilities are the learner's own; those of the others are the sampler's. Bool."""
    denominator_B1: Tensor
    reference_BT: Tensor | None
    penalised_BT: Tensor | None
    """Tokens that KL-Cov penalises."""
    values_BT: Tensor | None
    target_BT: Tensor | None
    """Targets of the value head."""
    metrics: dict[str, float]
    objective: Objective
    reply_limit: int
    pairs: bool
    """Rows 2i and 2i + 1 belong together."""

    def units(self) -> list[list[int]]:
        """The smallest sets of rows that mini-batches must not part: pairs, or single rows."""
        rows = list(range(len(self.batch)))
        return [rows[start : start + 2] for start in rows[::2]] if self.pairs else [[row] for row in rows]

    def part(self, rows: Sequence[int]) -> Prepared:
        """One mini-batch: these rows, in this order, with denominators over them alone. Units stay whole.

        Advantages, token weights and metrics remain those of the whole batch.
        """
        index = list(rows)
        batch = self.batch.rows(index)
        width = batch.ids_BT.shape[1]

        def of(whole_BT: Tensor | None) -> Tensor | None:
            return None if whole_BT is None else whole_BT[index, -width:]

        return replace(
            self,
            batch=batch,
            advantage_BT=self.advantage_BT[index, -width:],
            old_BT=of(self.old_BT),
            own_B=self.own_B[index],
            denominator_B1=denominators_of(batch, self.objective, self.reply_limit, pairs=self.pairs),
            reference_BT=of(self.reference_BT),
            penalised_BT=of(self.penalised_BT),
            values_BT=of(self.values_BT),
            target_BT=of(self.target_BT),
        )

    def first(self) -> Prepared:
        """For the first optimiser step, before anything has moved: ratios to the learner's own are 1, whatever the rounding."""
        return replace(self, old_BT=None) if self.own_B.all() else self


def denominators_of(batch: TokenBatch, objective: Objective, reply_limit: int, *, pairs: bool) -> Tensor:
    """Denominators of the losses of these messages, float32 (B, 1), if they are the whole step."""
    return denominators(
        objective.aggregate,
        batch.mask_BT,
        [tag.role for tag in batch.tags],
        reply_limit=reply_limit,
        weights=objective.weights(),
        shares=objective.shares(),
        pairs=pairs,
    )
