"""Overlap of two updates: do two runs from one start change the same weights, beyond what chance would give?

Of n weights, run a changes A and run b changes B. Masks that knew nothing of each other would share A B / n weights. Two
levels of chance are given, for runs agree on whole tensors too (some change less than others): over all weights of a group
together, and within each tensor, whose expectations add up; what is above the second is agreement on single weights.

See: Mukherjee et al., Reinforcement Learning Finetunes Small Subnetworks in Large Language Models, arXiv 2505.11711.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .checkpoint import Checkpoint
from .names import KINDS
from .pairing import Unmatched, pair
from .sources import one_thread
from .sparsity import OUTSIDE, SLICE, WHOLE, Progress, check_tolerances, slices


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two masks of changed weights over one tensor or group. Shares are of changed weights, 0 to 1."""

    name: str
    weights: int
    changed_a: int
    changed_b: int
    changed_both: int
    expected_within: float
    """Weights that both would change by chance, if each changed as many as it does in every tensor."""

    @property
    def share_a(self) -> float:
        """Of weights that a changed."""
        return self.changed_a / self.weights

    @property
    def share_b(self) -> float:
        """Of weights that b changed."""
        return self.changed_b / self.weights

    @property
    def share_both(self) -> float:
        """Of weights that both changed."""
        return self.changed_both / self.weights

    @property
    def chance(self) -> float:
        """Share that both would change by chance: the product of the shares."""
        return self.share_a * self.share_b

    @property
    def ratio(self) -> float | None:
        """Share of both over chance; None where a mask is empty."""
        return self.share_both / self.chance if self.chance else None

    @property
    def ratio_within(self) -> float | None:
        """The same against chance within each tensor."""
        return self.changed_both / self.expected_within if self.expected_within else None

    @property
    def jaccard(self) -> float | None:
        """Both over either; None where nothing changed."""
        either = self.changed_a + self.changed_b - self.changed_both
        return self.changed_both / either if either else None

    @property
    def coefficient(self) -> float | None:
        """Both over the smaller mask: 1 where one lies in the other; None where a mask is empty."""
        least = min(self.changed_a, self.changed_b)
        return self.changed_both / least if least else None


@dataclass(frozen=True, slots=True)
class OverlapResult:
    """Overlap of the updates of two runs."""

    start: str
    a: str
    b: str
    tolerance: float
    bfloat16: bool
    """Changes were looked for after rounding."""
    whole: Overlap
    layers: tuple[Overlap, ...]
    kinds: tuple[Overlap, ...]
    tensors: tuple[Overlap, ...]
    unmatched: tuple[Unmatched, ...]


@one_thread()
def measure_overlap(
    start: Checkpoint,
    a: Checkpoint,
    b: Checkpoint,
    *,
    tolerance: float = 0.0,
    bfloat16: bool = True,
    slice_weights: int = SLICE,
    on_progress: Progress | None = None,
) -> OverlapResult:
    """Compares which weights two runs changed; reads each checkpoint once, slice by slice.

    Args:
        start: Where both began.
        a: One run's end.
        b: The other's.
        tolerance: A weight is changed where |end - start| is above it.
        bfloat16: Round all to bfloat16 first, without which float32 runs change every weight.
        slice_weights: Read at once; changes no count.
        on_progress: Told how many more weights were compared.

    Raises:
        ValueError: The three share no weight, a file is cut off, or the tolerance is below 0.
    """
    check_tolerances([tolerance])
    pairing = pair([start, a, b])
    tensors: list[Overlap] = []
    groups: dict[str, list[Overlap]] = {}
    for shared in pairing.shared:
        counts = torch.zeros(3, dtype=torch.int64)
        for start_W, a_W, b_W in slices(shared, slice_weights):
            masks = [_changed(start_W, end_W, tolerance, bfloat16) for end_W in (a_W, b_W)]
            counts += torch.stack([mask.count_nonzero() for mask in (*masks, masks[0] & masks[1])])
            if on_progress is not None:
                on_progress(len(start_W))
        in_a, in_b, in_both = map(int, counts)
        tensors.append(Overlap(shared.name, shared.size, in_a, in_b, in_both, in_a * in_b / shared.size))
        for name in (WHOLE, OUTSIDE if shared.layer is None else f"layer {shared.layer}", shared.kind):
            groups.setdefault(name, []).append(tensors[-1])
    layers = sorted((name for name in groups if name.startswith("layer ")), key=lambda name: int(name.split()[1]))
    return OverlapResult(
        start=start.name,
        a=a.name,
        b=b.name,
        tolerance=tolerance,
        bfloat16=bfloat16,
        whole=_together(WHOLE, tensors),
        layers=tuple(_together(name, groups[name]) for name in (*layers, OUTSIDE) if name in groups),
        kinds=tuple(_together(kind, groups[kind]) for kind in KINDS if kind in groups),
        tensors=tuple(tensors),
        unmatched=pairing.unmatched,
    )


def _changed(start_W: torch.Tensor, end_W: torch.Tensor, tolerance: float, bfloat16: bool) -> torch.Tensor:
    """Mask of weights that changed; such as are not finite are changed where their bits differ."""
    same_W = start_W.view(torch.int32) == end_W.view(torch.int32)  # also of what is no number
    if bfloat16:
        start_W, end_W = (piece.to(torch.bfloat16).float() for piece in (start_W, end_W))
    within_W = (end_W - start_W).abs_() <= tolerance
    return ~(within_W | same_W | (start_W == end_W))  # the last where both round to infinity


def _together(name: str, parts: list[Overlap]) -> Overlap:
    return Overlap(
        name,
        sum(one.weights for one in parts),
        sum(one.changed_a for one in parts),
        sum(one.changed_b for one in parts),
        sum(one.changed_both for one in parts),
        sum(one.expected_within for one in parts),
    )
