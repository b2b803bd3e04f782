"""Rank of updates: how many directions of a matrix an update uses.

Of D = end - start (O x I, with r = min(O, I)) and its singular values s_1 >= s_2 >= ...:

    numerical rank   how many are above eps * max(O, I) * s_1, eps that of float32 (as numpy and torch count)
    rank at 1 %      how many are above s_1 / 100
    effective rank   exp(-sum p_i log p_i) with p_i = s_i / sum s: between 1 and r
    stable rank      sum s_i^2 / s_1^2: between 1 and r

Singular values are exact up to float64's rounding, not randomised: they are roots of the eigenvalues of D D^T or D^T D,
whichever is smaller, summed in float64. That loses those below 1e-8 * s_1, which no count here looks at. A long matrix is read
in rows and needs about 16 r^2 bytes; a wide one needs 4 O I bytes beside that.

What to beware of: rounding is an update of full rank. A checkpoint stored in bfloat16, or one of tiny steps in float32, is of
full numerical rank whatever was learned; the other three say more.

See: Roy and Vetterli, The effective rank, EUSIPCO 2007; Mukherjee et al., arXiv 2505.11711.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .checkpoint import Checkpoint
from .pairing import Shared, pair
from .sparsity import SLICE, slices

MATRICES, SIDE = 64, 4096
"""How many matrices are looked at, and the longest smaller side of one."""
NOTICEABLE = 0.01
"""Of the largest singular value."""


@dataclass(frozen=True, slots=True)
class UpdateRank:
    """One matrix."""

    name: str
    shape: tuple[int, int]
    layer: int | None
    kind: str
    numerical: int
    noticeable: int
    """At 1 %."""
    effective: float
    stable: float

    @property
    def full(self) -> int:
        """The smaller side."""
        return min(self.shape)


@dataclass(frozen=True, slots=True)
class UpdateRanks:
    """Ranks of a model's updates."""

    measured: tuple[UpdateRank, ...]
    matrices: int
    """In both checkpoints; where it is more, the others were left out by `choose`."""
    too_large: tuple[str, ...]
    """Matrices whose smaller side is above the limit."""
    stacked: tuple[str, ...] = ()
    """Tensors of more than two dimensions, such as all experts of a layer in one, which are no matrix: none is measured."""


def ranks(values: np.ndarray, shape: Sequence[int]) -> tuple[int, int, float, float]:
    """Numerical rank, rank at 1 %, effective and stable rank; all 0 of a matrix of zeros.

    Args:
        values: Singular values, float64 (r,), in any order.
        shape: Of the matrix.
    """
    largest = float(values.max(initial=0.0))
    if not largest:
        return 0, 0, 0.0, 0.0
    part = values[values > 0] / values.sum()
    return (
        int(np.count_nonzero(values > np.finfo(np.float32).eps * max(shape) * largest)),
        int(np.count_nonzero(values > NOTICEABLE * largest)),
        float(np.exp(-(part * np.log(part)).sum())),
        float(np.square(values / largest).sum()),
    )


def singular_values(shared: Shared) -> np.ndarray:
    """Of end - start, float64 (r,), ascending; see the module's docstring.

    Raises:
        ValueError: A change is infinite or not a number.
    """
    rows, columns = shared.shape
    side, per_slice = min(rows, columns), max(SLICE // columns, 1) * columns
    gram = torch.zeros(side, side, dtype=torch.float64)
    wide = torch.empty(rows, columns) if rows < columns else None
    place = 0
    for start_W, end_W in slices(shared, per_slice):
        change_RC = torch.sub(end_W, start_W).reshape(-1, columns)
        if wide is None:
            gram.addmm_(change_RC.double().T, change_RC.double())
        else:
            wide[place : place + len(change_RC)] = change_RC
        place += len(change_RC)
    if wide is not None:
        for part in wide.split(max(SLICE // rows, 1), dim=1):
            gram.addmm_(part.double(), part.double().T)
    del wide
    if not torch.isfinite(gram).all():
        raise ValueError(f"{shared.name} holds weights that are infinite or no number; its update has no rank.")
    return torch.linalg.eigvalsh(gram).clamp_(min=0).sqrt_().numpy()


def choose(matrices: Sequence[Shared], most: int = MATRICES) -> list[Shared]:
    """At most `most` matrices: as many of every kind, evenly spread over the layers; all where they are no more."""
    if len(matrices) <= most:
        return list(matrices)
    kinds: dict[str, list[Shared]] = {}
    for one in matrices:
        kinds.setdefault(one.kind, []).append(one)
    shares = dict.fromkeys(kinds, 0)
    for _ in range(most):  # one more of the kind that has fewest and is not all taken
        shares[min((kind for kind in kinds if shares[kind] < len(kinds[kind])), key=lambda kind: shares[kind])] += 1
    chosen = {
        members[int(place)].name
        for kind, members in kinds.items()
        for place in np.linspace(0, len(members) - 1, shares[kind]).round()
    }
    return [one for one in matrices if one.name in chosen]


def measure_ranks(
    start: Checkpoint,
    end: Checkpoint,
    *,
    most: int = MATRICES,
    side: int = SIDE,
    on_matrix: Callable[[int, int], None] | None = None,
) -> UpdateRanks:
    """Ranks of the updates of a model's matrices; tensors of more than two dimensions are listed, and not measured.

    Args:
        start: Before training.
        end: After it.
        most: Matrices that are looked at, see `choose`.
        side: Matrices whose smaller side is longer are left out; the time grows with its cube.
        on_matrix: Told after each how many were looked at, and of how many.

    Raises:
        ValueError: The two share no weight, or an update is no number.
    """
    tensors = pair([start, end]).shared
    matrices = [shared for shared in tensors if len(shared.shape) == 2]
    fitting = [shared for shared in matrices if min(shared.shape) <= side]
    chosen, found = choose(fitting, most), list[UpdateRank]()
    for shared in chosen:
        shape = (shared.shape[0], shared.shape[1])
        measured = ranks(singular_values(shared), shape)
        found.append(UpdateRank(shared.name, shape, shared.layer, shared.kind, *measured))
        if on_matrix is not None:
            on_matrix(len(found), len(chosen))
    return UpdateRanks(
        measured=tuple(found),
        matrices=len(matrices),
        too_large=tuple(shared.name for shared in matrices if min(shared.shape) > side),
        stacked=tuple(shared.name for shared in tensors if len(shared.shape) > 2),
    )
