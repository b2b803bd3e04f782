"""Cutting a batch into micro-batches: rows of similar length together, what belongs together kept together."""

from __future__ import annotations

from collections.abc import Sequence

from .batch import TokenBatch
from .packing import prompt_groups


def micro_batches(
    batch: TokenBatch, budget: int, *, shared_width: int = 0, pairs: bool = False, rows: Sequence[int] | None = None
) -> list[list[int]]:
    """Rows of similar length together, cut so that a micro-batch's padded size stays within `budget` tokens (or is one unit).

    A unit is one row; with `shared_width` replies to one prompt as `agents.packing` packs them, as many as the budget holds;
    with `pairs` rows 2i and 2i + 1.

    Args:
        batch: All rows.
        budget: Padded tokens.
        shared_width: Width of the model, where prompts are shared; 0 where they are not.
        pairs: Neighbours stay together.
        rows: Only these; None: all. With `pairs`, whole pairs.
    """
    chosen = list(range(len(batch))) if rows is None else list(rows)
    real, reply = batch.attention_BT.sum(-1).tolist(), batch.mask_BT.sum(-1).tolist()
    if pairs:
        units = [chosen[start : start + 2] for start in range(0, len(chosen), 2)]
    elif shared_width:
        groups = prompt_groups(batch if rows is None else batch.rows(chosen), shared_width)
        units = [piece for group in groups for piece in _fitting([chosen[row] for row in group], real, reply, budget)]
    else:
        units = [[row] for row in chosen]
    if shared_width:
        slots = [real[unit[0]] + sum(reply[row] for row in unit[1:]) for unit in units]
    else:
        slots = [len(unit) * max(real[row] for row in unit) for unit in units]
    sized = sorted((size, reply[unit[0]], unit) for size, unit in zip(slots, units, strict=True))
    parts: list[list[list[int]]] = [[]]
    for size, _, unit in sized:
        if parts[-1] and size * (len(parts[-1]) + 1) > budget:
            parts.append([])
        parts[-1].append(unit)
    return [[row for unit in part for row in unit] for part in parts if part]


def _fitting(group: list[int], real: Sequence[int], reply: Sequence[int], budget: int) -> list[list[int]]:
    """Pieces of a group whose prompt and replies fit into `budget`, or that are one row."""
    pieces: list[list[int]] = []
    size = 0
    for row in group:
        if not pieces or size + reply[row] > budget:
            pieces.append([])
            size = real[row] - reply[row]
        pieces[-1].append(row)
        size += reply[row]
    return pieces
