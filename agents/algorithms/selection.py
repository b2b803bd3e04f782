"""Selections of messages by algorithms: the accepted ones, pairs of a winner and a loser. Pure functions.

    select(returns_B, group_B) -> indices of the rows that train, in the order in which they shall stand

Legend of shape suffixes: B messages.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Select = Callable[[Tensor, Tensor], list[int]]


def accepted(returns_B: Tensor, group_B: Tensor) -> list[int]:
    """Messages with a positive return, in the code games: solvers that were right, proposers whose task taught something.

    See: Yuan et al., Scaling relationship on learning mathematical reasoning, arXiv 2308.01825 (rejection-sampling
    fine-tuning).
    """
    return (returns_B > 0).nonzero()[:, 0].tolist()


def pairs(returns_B: Tensor, group_B: Tensor) -> list[int]:
    """Winner, loser, winner, loser ...: of every group the best with the worst, the second best with the second worst ...

    A message is used once at most; equals never meet. Ties are broken by order of appearance.
    """
    members: dict[int, list[int]] = {}
    for row, group in enumerate(group_B.tolist()):
        members.setdefault(group, []).append(row)
    returns = returns_B.tolist()
    chosen: list[int] = []
    for rows in members.values():
        ranked = sorted(rows, key=lambda row: -returns[row])
        for best, worst in zip(ranked[: len(ranked) // 2], ranked[::-1], strict=False):
            if returns[best] > returns[worst]:
                chosen += [best, worst]
    return chosen
