"""Cutting a batch into micro-batches: rows of similar length together, what belongs together kept together, longest first.

Where memory does not suffice, the first micro-batch shows it, and not the last one, after the work of all others.
"""

from __future__ import annotations

from collections.abc import Sequence

from .batch import TokenBatch
from .packing import prompt_groups


def micro_batches(
    batch: TokenBatch, budget: int, *, share: bool = False, pairs: bool = False, rows: Sequence[int] | None = None
) -> list[list[int]]:
    """Rows of similar length together, cut so that a micro-batch's padded size stays within `budget` tokens (or is one unit).

    A unit is one row; with `share` replies to one prompt, as many as the budget holds; with `pairs` rows 2i and 2i + 1.

    Args:
        batch: All rows.
        budget: Padded tokens.
        share: A micro-batch is packed as `agents.batching.packing` does it, without padding.
        pairs: Neighbours stay together.
        rows: Only these; None: all. With `pairs`, whole pairs.
    """
    chosen = list(range(len(batch))) if rows is None else list(rows)
    real, reply = batch.attention_BT.sum(-1).tolist(), batch.mask_BT.sum(-1).tolist()
    alike = prompt_groups(batch if rows is None else batch.rows(chosen)) if share else []
    groups = [[chosen[row] for row in group] for group in alike]
    if pairs:
        units = [chosen[start : start + 2] for start in range(0, len(chosen), 2)]
    elif share:
        units = [piece for group in groups for piece in _fitting(group, real, reply, budget)]
    else:
        units = [[row] for row in chosen]
    prompt_of = {row: number for number, group in enumerate(groups) for row in group}

    def positions(unit: list[int]) -> int:
        if not share:
            return len(unit) * max(real[row] for row in unit)
        prompts = {prompt_of[row]: real[row] - reply[row] for row in unit}
        return sum(prompts.values()) + sum(reply[row] for row in unit)

    parts: list[list[int]] = []
    width = room = 0
    for unit in sorted(units, key=lambda unit: (-positions(unit), -reply[unit[0]], unit)):
        size = positions(unit)
        if not parts or (size if share else width) > room:
            parts.append([])
            width, room = size, budget
        parts[-1] += unit
        room -= size if share else width  # padding makes every unit as wide as the first
    return parts


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
