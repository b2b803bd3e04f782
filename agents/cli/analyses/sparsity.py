"""`selfplay analyze sparsity`: which weights training changed, by tensor, layer and type, and how the update is shaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console

from selfplay_envs import UsageError

from ...arguments.parser import parse
from ...core.files import write_whole
from ...display.progress import WorkProgress
from ...display.tables import make_console, say
from .outputs import check_outputs, json_text

if TYPE_CHECKING:  # they load torch
    from ...analysis.weights.checkpoint import Checkpoint
    from ...analysis.weights.equal_size import SizePoint
    from ...analysis.weights.mask_overlap import OverlapResult
    from ...analysis.weights.sparsity import Sparsity
    from ...analysis.weights.update_rank import UpdateRanks


@dataclass(frozen=True)
class SparsityOptions:
    """Counts the weights that two checkpoints have in common, over a grid of tolerances, in float32 and rounded to bfloat16.

    A checkpoint is a run or one of its checkpoints, a transformers folder (safetensors or .bin, in shards or whole), a LoRA
    adapter of peft, a file of tensors, or a Hugging Face id in the local cache. It is read in slices: the size of a model does
    not matter.

    selfplay analyze sparsity tiny runs/azr-tiny --json sparsity.json --plot sparsity.png

    How much is unchanged depends on how far a run moved. To compare two runs at equal size of the update, name checkpoints of
    both; and to see whether they changed the same weights, the other's end:

    selfplay analyze sparsity tiny runs/azr --trajectory runs/azr --other-trajectory runs/sft --overlap runs/sft
    """

    checkpoints: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="START END")]
    """Before training and after it."""
    tolerances: tuple[float, ...] = ()
    """Largest |change| that counts as unchanged; by default 0 1e-8 1e-7 1e-6 1e-5 1e-4."""
    base: str = ""
    """The model that LoRA adapters were trained on, where their configs name none that is here."""
    trajectory: tuple[str, ...] = ()
    """Checkpoints of END's run, or the run's folder for all that it has saved."""
    other_trajectory: tuple[str, ...] = ()
    """The same of another run from the same start, to compare at equal size of the update."""
    sizes: tuple[float, ...] = ()
    """What if END had moved in the same direction as far as this, as RMS: what would be unchanged in bfloat16 then."""
    overlap: str = ""
    """Another END: do both runs change the same weights, beyond chance?"""
    overlap_tolerance: float = 0.0
    """Changes up to this one count as none in the overlap."""
    overlap_precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Where changes are looked for in the overlap."""
    rank: bool = False
    """Also measure the rank of the update's matrices: takes a second or more for each that is large."""
    rank_matrices: int = 64
    """At most so many, as many of every type, spread over the layers."""
    rank_side: int = 4_096
    """Matrices whose smaller side is longer are left out."""
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write all numbers to this file, per tensor too."""
    plot: Path | None = None
    """Also draw a picture into this file, such as sparsity.png."""


def sparsity(args: Sequence[str]) -> int:
    """`selfplay analyze sparsity START END`."""
    command = parse(SparsityOptions, "analyze sparsity", args)
    _check(command)
    console = make_console()
    with console.status("reading headers ..."):
        from ...analysis.weights.checkpoint import open_checkpoint

        start, end = (open_checkpoint(name, base=command.base) for name in command.checkpoints)
        other = open_checkpoint(command.overlap, base=command.base) if command.overlap else None
    from . import sparsity_tables as tables

    others = [command.overlap] if command.overlap else []
    tables.print_roles(console, [*command.checkpoints, *others, *command.trajectory, *command.other_trajectory])
    result = _measure(console, start, end, command)
    tables.print_sparsity(console, result)
    record: dict[str, Any] = {}
    runs = _trajectories(console, start, command)
    if runs:
        record |= tables.print_trajectories(console, runs)
    if command.sizes:
        scaled = _scale(console, start, end, command.sizes)
        tables.print_scaled(console, scaled)
        record["scaled"] = [asdict(point) for point in scaled]
    if other is not None:
        overlap = _overlap(console, start, end, other, command)
        tables.print_overlap(console, overlap)
        record["overlap"] = asdict(overlap)
    if command.rank:
        ranks = _ranks(console, start, end, command)
        tables.print_ranks(console, ranks)
        record["rank"] = asdict(ranks)
    _write(console, command, result, record, runs)
    return 0


def _check(command: SparsityOptions) -> None:
    """Refuses what cannot be, before anything is read.

    Raises:
        UsageError: Says what, and what to type.
    """
    if len(command.checkpoints) != 2:
        raise UsageError(f"checkpoints: {len(command.checkpoints)} are named; type START END, as in tiny runs/azr-tiny.")
    check_outputs(command.json, command.plot)
    for option in ("tolerances", "overlap_tolerance"):
        values = getattr(command, option)
        wrong = [value for value in (values if isinstance(values, tuple) else (values,)) if not 0 <= value < float("inf")]
        if wrong:
            raise UsageError(f"{option}={wrong[0]} must be 0 or more; it is a change of a weight, such as 1e-5.")
    if wrong := [size for size in command.sizes if not 0 < size < float("inf")]:
        raise UsageError(f"sizes={wrong[0]} must be above 0; it is the root mean square of a change, such as 1e-6.")
    for option in ("rank_matrices", "rank_side"):
        if getattr(command, option) < 1:
            raise UsageError(f"{option}={getattr(command, option)} must be at least 1.")
    if command.other_trajectory and not command.trajectory:
        raise UsageError("other_trajectory has nothing beside it; give the checkpoints of END's run too (--trajectory RUN).")


def _measure(console: Console, start: Checkpoint, end: Checkpoint, command: SparsityOptions) -> Sparsity:
    from ...analysis.weights.counts import TOLERANCES
    from ...analysis.weights.pairing import pair
    from ...analysis.weights.sparsity import measure_sparsity

    with WorkProgress(console, "comparing", pair([start, end]).weights, "weights") as progress:
        return measure_sparsity(
            start, end, tolerances=command.tolerances or TOLERANCES, on_progress=lambda count: progress.add(0, count)
        )


def _trajectories(console: Console, start: Checkpoint, command: SparsityOptions) -> dict[str, tuple[SizePoint, ...]]:
    """Points of both runs; empty where no trajectory is asked for."""
    if not command.trajectory:
        return {}
    from ...analysis.weights.trajectory import expand, measure_trajectory, weights_to_compare

    ends = {"end's run": expand(command.trajectory), "other run": expand(command.other_trajectory)}
    total = sum(weights_to_compare(start, names, base=command.base) for names in ends.values())
    with WorkProgress(console, "trajectory", total, "weights") as progress:
        return {
            run: measure_trajectory(start, names, base=command.base, on_progress=lambda count: progress.add(0, count))
            for run, names in ends.items()
            if names
        }


def _scale(console: Console, start: Checkpoint, end: Checkpoint, sizes: Sequence[float]) -> tuple[SizePoint, ...]:
    from ...analysis.weights.equal_size import unchanged_if_scaled
    from ...analysis.weights.pairing import pair

    with WorkProgress(console, "scaling", 2 * pair([start, end]).weights, "weights") as progress:
        return unchanged_if_scaled(start, end, sizes, on_progress=lambda count: progress.add(0, count))


def _overlap(
    console: Console, start: Checkpoint, end: Checkpoint, other: Checkpoint, command: SparsityOptions
) -> OverlapResult:
    from ...analysis.weights.mask_overlap import measure_overlap
    from ...analysis.weights.pairing import pair

    with WorkProgress(console, "overlap", pair([start, end, other]).weights, "weights") as progress:
        return measure_overlap(
            start,
            end,
            other,
            tolerance=command.overlap_tolerance,
            bfloat16=command.overlap_precision == "bfloat16",
            on_progress=lambda count: progress.add(0, count),
        )


def _ranks(console: Console, start: Checkpoint, end: Checkpoint, command: SparsityOptions) -> UpdateRanks:
    from ...analysis.weights.update_rank import measure_ranks

    with WorkProgress(console, "rank", command.rank_matrices, "matrices") as progress:

        def count(_: int, of: int) -> None:
            progress.total = of
            progress.add(0, 1)

        return measure_ranks(start, end, most=command.rank_matrices, side=command.rank_side, on_matrix=count)


def _write(
    console: Console,
    command: SparsityOptions,
    result: Sparsity,
    record: dict[str, Any],
    runs: dict[str, tuple[SizePoint, ...]],
) -> None:
    """The file of numbers and the picture, where they are asked for."""
    if command.json is not None:
        from ...analysis.weights.records import to_json

        write_whole(command.json, json_text({**to_json(result), **record}))
        say(console, f"Written to {command.json}")
    if command.plot is not None:
        from ...reports.sparsity import draw_sparsity
        from ...reports.style import save_png

        save_png(draw_sparsity({result.end: result}, runs), command.plot)
        say(console, f"Drawn into {command.plot}")
