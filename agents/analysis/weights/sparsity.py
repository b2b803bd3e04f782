"""Sparsity of an update: the share of weights that two checkpoints have in common, by tensor, layer and type of matrix.

S(theta0, theta1) = 1 - ||theta1 - theta0||_0 / n, where weights within a tolerance count as the same. Every number here says
"unchanged" or "changed", for the literature has the two swapped: what one table calls 5 % sparse another calls 95 % sparse.

What it depends on: a checkpoint stored in bfloat16 has lost every change below half of a last place, so that the same run looks
sparse in bfloat16 and dense in float32, and the more so the smaller its steps are. Compare like with like, and at equal size of
the update (`equal_size`).

See: Mukherjee et al., Reinforcement Learning Finetunes Small Subnetworks in Large Language Models, arXiv 2505.11711;
Chae, Alam and Rastogi, Towards Understanding Self-play for LLM Reasoning, arXiv 2510.27072; on bfloat16: Zhu et al., The Path
Not Taken, arXiv 2511.08567.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from .checkpoint import Checkpoint
from .counts import TOLERANCES, Changes, SliceCounter, Tally
from .names import KINDS
from .pairing import Pairing, Shared, Unmatched, pair
from .sources import one_thread

SLICE = 1 << 19
"""Weights that are read at once: 2 MB of each checkpoint as float32, which stays in a processor's cache."""
WHOLE, OUTSIDE = "all", "outside layers"
"""Names of the group of all weights, and of those that belong to no layer."""

Progress = Callable[[int], None]
"""Is told how many more weights were compared."""


@dataclass(frozen=True, slots=True)
class TensorChanges:
    """One tensor."""

    name: str
    shape: tuple[int, ...]
    layer: int | None
    kind: str
    """One of `KINDS`."""
    changes: Changes


@dataclass(frozen=True, slots=True)
class GroupChanges:
    """Tensors together."""

    name: str
    tensors: int
    changes: Changes
    """Of all their weights: large tensors count for more."""
    matrix_mean_float32: tuple[float, ...]
    """Unweighted mean over matrices of the share of unchanged weights, per tolerance; Mukherjee et al. print 1 minus it."""
    matrix_mean_bfloat16: tuple[float, ...]
    """The same in bfloat16. Empty where there is no matrix."""


@dataclass(frozen=True, slots=True)
class Sparsity:
    """What two checkpoints have in common."""

    start: str
    end: str
    tolerances: tuple[float, ...]
    whole: GroupChanges
    layers: tuple[GroupChanges, ...]
    """In order; what lies outside the layers comes last."""
    kinds: tuple[GroupChanges, ...]
    """In the order of `KINDS`."""
    tensors: tuple[TensorChanges, ...]
    unmatched: tuple[Unmatched, ...]
    """What was not compared, and why."""
    precisions: tuple[str, str]
    """In which most weights of start and end are stored."""


@one_thread()
def measure_sparsity(
    start: Checkpoint,
    end: Checkpoint,
    *,
    tolerances: Sequence[float] = TOLERANCES,
    slice_weights: int = SLICE,
    on_progress: Progress | None = None,
) -> Sparsity:
    """Compares two checkpoints, reading each once, slice by slice.

    Args:
        start: Before training.
        end: After it.
        tolerances: Largest |change| that counts as unchanged, each at least 0.
        slice_weights: Read at once; changes no count.
        on_progress: See `Progress`.

    Raises:
        ValueError: They share no weight, a file is cut off, or a tolerance is below 0.
    """
    check_tolerances(tolerances)
    pairing = pair([start, end])
    counter = SliceCounter(slice_weights)
    tensors: list[TensorChanges] = []
    totals: dict[str | int, Tally] = {}
    for shared in pairing.shared:
        tally = Tally(tolerances)
        rounded = all(source.dtype == torch.bfloat16 for source in shared.sources)
        for start_W, end_W in slices(shared, slice_weights):
            counter.count(tally, start_W.numpy(), end_W.numpy(), rounded=rounded)
            if on_progress is not None:
                on_progress(len(start_W))
        tensors.append(TensorChanges(shared.name, shared.shape, shared.layer, shared.kind, tally.changes()))
        for group in (WHOLE, OUTSIDE if shared.layer is None else shared.layer, shared.kind):
            totals.setdefault(group, Tally(tolerances)).add(tally)
    layers = sorted(group for group in totals if isinstance(group, int))
    return Sparsity(
        start=start.name,
        end=end.name,
        tolerances=tuple(tolerances),
        whole=_group(WHOLE, totals[WHOLE], tensors),
        layers=(
            *(_group(f"layer {layer}", totals[layer], [one for one in tensors if one.layer == layer]) for layer in layers),
            *(_group(OUTSIDE, totals[OUTSIDE], [one for one in tensors if one.layer is None]) for _ in {OUTSIDE} & {*totals}),
        ),
        kinds=tuple(
            _group(kind, totals[kind], [one for one in tensors if one.kind == kind]) for kind in KINDS if kind in totals
        ),
        tensors=tuple(tensors),
        unmatched=pairing.unmatched,
        precisions=(_precision(pairing, 0), _precision(pairing, 1)),
    )


def check_tolerances(tolerances: Sequence[float]) -> None:
    """Refuses what is no tolerance.

    Raises:
        ValueError: There is none, or one is below 0 or no number.
    """
    wrong = next((value for value in tolerances if not 0 <= value < float("inf")), None)
    if wrong is not None or not tolerances:
        raise ValueError(f"tolerances={wrong if tolerances else 'nothing'} must be numbers from 0 on, such as 0 1e-8 1e-5.")


def slices(shared: Shared, slice_weights: int = SLICE) -> Iterator[tuple[torch.Tensor, ...]]:
    """Pieces of one tensor in all its checkpoints, float32 (W,), in order; each is overwritten by the next."""
    buffers = tuple(torch.empty(min(slice_weights, shared.size)) for _ in shared.sources)
    for place in range(0, shared.size, slice_weights):
        pieces = tuple(buffer[: min(slice_weights, shared.size - place)] for buffer in buffers)
        for source, piece_W in zip(shared.sources, pieces, strict=True):
            source.read_into(piece_W, place)
        yield pieces


def _group(name: str, total: Tally, tensors: Sequence[TensorChanges]) -> GroupChanges:
    matrices = [tensor.changes for tensor in tensors if len(tensor.shape) > 1]
    means = [
        tuple(sum(share(one, place) for one in matrices) / len(matrices) for place in range(len(total.tolerances)))
        for share in (Changes.float32_share, Changes.bfloat16_share)
        if matrices
    ]
    return GroupChanges(name, len(tensors), total.changes(), *(means or [(), ()]))


def _precision(pairing: Pairing, place: int) -> str:
    """The precision that most weights of one side are stored in."""
    sizes: dict[str, int] = {}
    for shared in pairing.shared:
        name = str(shared.sources[place].dtype).removeprefix("torch.")
        sizes[name] = sizes.get(name, 0) + shared.size
    return max(sizes, key=lambda name: sizes[name])
