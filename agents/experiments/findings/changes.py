"""How far the kept models of a cell are from where it began; measured once and kept in the cell's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...analysis.weights.checkpoint import Checkpoint, open_checkpoint
from ...analysis.weights.equal_size import SizePoint
from ...analysis.weights.sparsity import measure_sparsity
from ...core.files import write_whole
from ..cells import MEASURED
from ..results import CellResult

CHANGES = "changes.json"
TOLERANCES = (0.0, 1e-8, 1e-6, 1e-5, 1e-4)
"""Largest changes that count as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesAt:
    """One kept model beside the start."""

    step: int
    rms: float
    """Size of the update."""
    float32: tuple[float, ...]
    """Shares of unchanged weights by `TOLERANCES`, in float32."""
    bfloat16: tuple[float, ...]
    """The same after both were rounded to bfloat16."""
    below_tenth: float
    """Share of weights whose change is below a tenth of the RMS."""

    @property
    def point(self) -> SizePoint:
        """Size of the update, and the share that is unchanged in bfloat16."""
        return SizePoint(f"step {self.step}", self.rms, self.bfloat16[0])


def changes_of_cell(cell: CellResult, start: Checkpoint) -> tuple[ChangesAt, ...]:
    """The changes of every kept model of a cell, by step; those that were measured before are read.

    Args:
        cell: Of an arm that trains.
        start: Where all arms began.

    Raises:
        AgentError: A model is not there any more.
        ValueError: A model is not that of the start.
    """
    path = cell.folder / MEASURED / CHANGES
    known = _read(path)
    missing = [step for step in cell.models if step not in known]
    for step in missing:
        known[step] = _measure(step, cell.models[step], start)
    if missing:
        path.parent.mkdir(exist_ok=True)
        write_whole(path, json.dumps([asdict(one) for one in known.values()]))
    return tuple(known[step] for step in cell.models)


def _read(path: Path) -> dict[int, ChangesAt]:
    if not path.is_file():
        return {}
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    for row in rows:
        row |= {"float32": tuple(row["float32"]), "bfloat16": tuple(row["bfloat16"])}
    return {row["step"]: ChangesAt(**row) for row in rows}


def _measure(step: int, path: Path, start: Checkpoint) -> ChangesAt:
    changes = measure_sparsity(start, open_checkpoint(str(path)), tolerances=TOLERANCES).whole.changes
    places = range(len(TOLERANCES))
    return ChangesAt(
        step=step,
        rms=changes.rms,
        float32=tuple(changes.float32_share(place) for place in places),
        bfloat16=tuple(changes.bfloat16_share(place) for place in places),
        below_tenth=changes.below_tenth / changes.weights,
    )
