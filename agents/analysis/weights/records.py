"""Results as JSON: the same numbers that the tables show, and counts from which every share can be had again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .counts import Changes
from .sparsity import GroupChanges, Sparsity


def to_json(result: Sparsity) -> dict[str, Any]:
    """Everything that was found out about two checkpoints; lists run over `tolerances`."""
    return {
        "start": result.start,
        "end": result.end,
        "precisions": result.precisions,
        "tolerances": result.tolerances,
        "whole": _group(result.whole),
        "layers": [_group(one) for one in result.layers],
        "kinds": [_group(one) for one in result.kinds],
        "tensors": [
            {"name": one.name, "shape": one.shape, "layer": one.layer, "kind": one.kind, **_changes(one.changes)}
            for one in result.tensors
        ],
        "not_compared": [asdict(one) for one in result.unmatched],
    }


def _group(group: GroupChanges) -> dict[str, Any]:
    means = {"matrix_mean_float32": group.matrix_mean_float32, "matrix_mean_bfloat16": group.matrix_mean_bfloat16}
    return {"name": group.name, "tensors": group.tensors, **_changes(group.changes), **means}


def _changes(changes: Changes) -> dict[str, Any]:
    """Shares of unchanged weights beside the counts."""
    places = range(len(changes.unchanged_float32))
    return {
        **asdict(changes),
        "float32": [changes.float32_share(place) for place in places],
        "bfloat16": [changes.bfloat16_share(place) for place in places],
    }
