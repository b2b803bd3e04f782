"""Updates of last models beside each other: the ranks of each arm's, and whether two runs change the same weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...analysis.weights.checkpoint import Checkpoint, open_checkpoint
from ...analysis.weights.mask_overlap import Overlap, measure_overlap
from ...analysis.weights.update_rank import UpdateRanks, measure_ranks
from ..results import CellResult

MATRICES = 32
"""Whose ranks are measured, evenly spread over kinds and layers: of a large model they take longest."""
REFERENCES = ("self-play", "lsp")
"""Arms of which the first one that is there is the one whose changed weights those of the other arms are compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOverlap:
    """Weights that two runs changed in bfloat16, over the whole model."""

    arm: str
    other: str
    """The other run's arm; of `arm` itself where two seeds are compared."""
    seeds: tuple[int, int]
    """Of the two runs, in this order."""
    overlap: Overlap


def last_models(cells: Sequence[CellResult]) -> dict[str, dict[int, Path]]:
    """The folder of the last kept model by arm and seed."""
    found: dict[str, dict[int, Path]] = {}
    for cell in cells:
        if cell.models:
            found.setdefault(cell.arm, {})[cell.seed] = list(cell.models.values())[-1]
    return found


def ranks_by_arm(models: Mapping[str, Mapping[int, Path]], start: Checkpoint) -> dict[str, UpdateRanks]:
    """Ranks of the update of every arm's first seed.

    Args:
        models: See `last_models`.
        start: Where all arms began.
    """
    firsts = {arm: next(iter(of_arm.values())) for arm, of_arm in models.items()}
    return {arm: measure_ranks(start, open_checkpoint(str(path)), most=MATRICES) for arm, path in firsts.items()}


def overlaps_of(models: Mapping[str, Mapping[int, Path]], start: Checkpoint) -> list[RunOverlap]:
    """Of every arm the first two seeds with each other, and its first seed with that of the reference arm.

    The first seeds share seed and model, not data: arms draw their tasks and replies from streams of their own.

    Args:
        models: See `last_models`.
        start: Where all arms began.
    """
    reference = next((arm for arm in REFERENCES if arm in models), "")
    pairs: list[tuple[str, str, tuple[int, int]]] = []
    for arm, of_arm in models.items():
        seeds = list(of_arm)
        if len(seeds) > 1:
            pairs.append((arm, arm, (seeds[0], seeds[1])))
        if reference and arm != reference:
            pairs.append((arm, reference, (seeds[0], next(iter(models[reference])))))
    return [
        RunOverlap(arm=arm, other=other, seeds=seeds, overlap=_overlap(start, models[arm][seeds[0]], models[other][seeds[1]]))
        for arm, other, seeds in pairs
    ]


def _overlap(start: Checkpoint, a: Path, b: Path) -> Overlap:
    return measure_overlap(start, open_checkpoint(str(a)), open_checkpoint(str(b))).whole
