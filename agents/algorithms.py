"""Algorithms as rows: a name is an advantage, a loss, the groups that share a baseline, and the paper to read.

Adding one is adding a row to `ALGORITHMS`, or passing an `Algorithm` of your own to the learner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from . import advantages, losses
from .batch import GROUPINGS, TokenBatch, group_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One row of the table."""

    name: str
    advantage: advantages.Advantage
    """(returns_B, group_B, mask_BT) -> advantage_BT."""
    loss: losses.Loss
    """(logprobs_BT, old_logprobs_BT, advantage_BT, mask_BT, denominator, **defaults) -> scalar."""
    group_by: str
    """Which messages share a baseline, a name in `agents.batch.GROUPINGS`."""
    needs: frozenset[str] = frozenset()
    """What must be there: `siblings` (every role has a group of at least two messages)."""
    defaults: Mapping[str, float] = field(default_factory=dict[str, float])
    """Keywords of the loss."""
    paper: str = ""

    def __post_init__(self) -> None:
        if self.group_by not in GROUPINGS:
            raise ValueError(f"Algorithm.group_by={self.group_by!r} is not known; choose one of {', '.join(GROUPINGS)}.")
        unknown = self.needs - {"siblings"}
        if unknown:
            raise ValueError(f"Algorithm.needs={sorted(unknown)!r} is not known; the one need there is, is 'siblings'.")

    def advantages(self, batch: TokenBatch) -> Tensor:
        """Advantages of a batch by this row's groups, float32 (B, T), 0 off the mask.

        Raises:
            ValueError: The row needs siblings, and some role's messages are all alone in their groups.
        """
        if "siblings" in self.needs:
            self._check_siblings(batch)
        return self.advantage(batch.returns_B, group_numbers(batch.tags, self.group_by), batch.mask_BT)

    def _check_siblings(self, batch: TokenBatch) -> None:
        key = GROUPINGS[self.group_by]
        sizes = Counter(key(tag) for tag in batch.tags)
        largest: dict[str, int] = {}
        for tag in batch.tags:
            largest[tag.cell] = max(largest.get(tag.cell, 0), sizes[key(tag)])
        alone = sorted(cell for cell, size in largest.items() if size == 1)
        if alone:
            raise ValueError(
                f"algorithm={self.name!r} compares messages of one {self.group_by}, but every message of {', '.join(alone)} is "
                "alone in its group and would silently not train; use trr++ (groups by role and task type), or leave that role "
                "out of train_roles."
            )


ALGORITHMS: dict[str, Algorithm] = {
    row.name: row
    for row in (
        Algorithm(
            name="reinforce",
            advantage=advantages.monte_carlo,
            loss=losses.policy_gradient,
            group_by="batch",
            paper="Williams, Simple statistical gradient-following algorithms for connectionist reinforcement learning, 1992",
        ),
        Algorithm(
            name="reinforce++",
            advantage=advantages.whiten,
            loss=losses.clipped_surrogate,
            group_by="batch",
            defaults={"clip_low": 0.2, "clip_high": 0.2},
            paper="Hu et al., REINFORCE++, arXiv 2501.03262",
        ),
        Algorithm(
            name="trr++",
            advantage=advantages.whiten,
            loss=losses.clipped_surrogate,
            group_by="role+task_type",
            defaults={"clip_low": 0.2, "clip_high": 0.2},
            paper="Zhao et al., Absolute Zero, arXiv 2505.03335, equation 8",
        ),
        Algorithm(
            name="grpo",
            advantage=advantages.standardise,
            loss=losses.clipped_surrogate,
            group_by="prompt",
            needs=frozenset({"siblings"}),
            defaults={"clip_low": 0.2, "clip_high": 0.2},
            paper="Shao et al., DeepSeekMath, arXiv 2402.03300, section 4.1",
        ),
        Algorithm(
            name="lsp",
            advantage=advantages.centre,
            loss=losses.policy_gradient,
            group_by="prompt",
            needs=frozenset({"siblings"}),
            paper="Kuba et al., Language Self-Play, arXiv 2509.07414, equations 2-5; without the KL term, alpha_Ch = 1",
        ),
    )
}


def find_algorithm(name: str) -> Algorithm:
    """The row of that name.

    Raises:
        ValueError: There is none.
    """
    if name not in ALGORITHMS:
        raise ValueError(f"algorithm={name!r} is not known; choose one of {', '.join(ALGORITHMS)}.")
    return ALGORITHMS[name]
