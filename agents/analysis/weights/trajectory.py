"""The saved models of a run in order of their steps, and how far each has moved from where the run began."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...core.errors import AgentError
from ...runs.folder import CHECKPOINTS, MODELS, checkpoints, read_config, step_in
from .checkpoint import Checkpoint, open_checkpoint
from .equal_size import SizePoint, size_point
from .pairing import pair
from .sparsity import Progress, measure_sparsity


def saved_models(run: Path) -> dict[int, Path]:
    """The models of a run of this program by step: those it kept, and its checkpoints.

    Raises:
        AgentError: It is no run, or has saved none.
    """
    read_config(run)
    found = {step_in(path): path for place in (CHECKPOINTS, MODELS) for path in checkpoints(run / place)}
    if not found:
        raise AgentError(f"run={str(run)!r} has no checkpoint yet; let it train to its first one (checkpoint_every).")
    return dict(sorted(found.items()))


def measure_trajectory(
    start: Checkpoint, ends: Sequence[str], *, base: str = "", on_progress: Progress | None = None
) -> tuple[SizePoint, ...]:
    """A point per checkpoint, in the order given.

    Args:
        start: Where the run began.
        ends: Checkpoints by name, see `open_checkpoint`.
        base: Of adapters, as there.
        on_progress: Told how many more weights were compared.

    Raises:
        AgentError: One is not there.
        ValueError: One cannot be read, or is of another model.
    """
    return tuple(
        size_point(measure_sparsity(start, open_checkpoint(end, base=base), tolerances=(0.0,), on_progress=on_progress))
        for end in ends
    )


def expand(names: Sequence[str]) -> list[str]:
    """Names of checkpoints, with a run's folder replaced by all models that it has saved.

    Raises:
        AgentError: A run has saved none.
    """
    return [
        text
        for name in names
        for text in (map(str, saved_models(Path(name)).values()) if (Path(name) / CHECKPOINTS).is_dir() else [name])
    ]


def weights_to_compare(start: Checkpoint, ends: Sequence[str], *, base: str = "") -> int:
    """How many weights `measure_trajectory` will compare.

    Raises:
        AgentError: One is not there.
        ValueError: One cannot be read, or is of another model.
    """
    return sum(pair([start, open_checkpoint(end, base=base)]).weights for end in ends)
