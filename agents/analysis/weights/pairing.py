"""The tensors that two or more checkpoints share, by plain name and shape; and what only some of them hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .checkpoint import TIED, Checkpoint
from .names import is_embedding, kind_of, layer_of
from .sources import TensorSource, size_of


@dataclass(frozen=True, slots=True)
class Shared:
    """One tensor of several checkpoints."""

    name: str
    sources: tuple[TensorSource, ...]
    """In the order of the checkpoints."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The same in all."""
        return tuple(self.sources[0].shape)

    @property
    def size(self) -> int:
        """Number of weights."""
        return size_of(self.sources[0])

    @property
    def layer(self) -> int | None:
        """See `layer_of`."""
        return layer_of(self.name)

    @property
    def kind(self) -> str:
        """See `kind_of`."""
        return kind_of(self.name)


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A tensor that is not compared."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """What is compared, and what is not."""

    shared: tuple[Shared, ...]
    unmatched: tuple[Unmatched, ...]

    @property
    def weights(self) -> int:
        """Number of weights that are compared."""
        return sum(one.size for one in self.shared)


def pair(checkpoints: Sequence[Checkpoint]) -> Pairing:
    """The tensors that all checkpoints hold, in the order of the first.

    A head that some have tied to the embedding and others not is compared with the embedding of those that have.

    Args:
        checkpoints: At least two.

    Raises:
        ValueError: They share nothing.
    """
    tables = [_with_heads(checkpoint, checkpoints) for checkpoint in checkpoints]
    names = list(dict.fromkeys(name for table in tables for name in table))
    shared: list[Shared] = []
    unmatched: list[Unmatched] = []
    for name in names:
        holders = [(one.name, table[name]) for one, table in zip(checkpoints, tables, strict=True) if name in table]
        shapes = list(dict.fromkeys(tuple(source.shape) for _, source in holders))
        if len(holders) < len(checkpoints):
            unmatched.append(Unmatched(name, f"only in {' and '.join(holder for holder, _ in holders)}"))
        elif len(shapes) > 1:
            unmatched.append(Unmatched(name, f"shapes differ: {' and '.join('x'.join(map(str, shape)) for shape in shapes)}"))
        elif size_of(holders[0][1]):
            shared.append(Shared(name, tuple(source for _, source in holders)))
    seen = {name: reason for checkpoint in checkpoints for name, reason in checkpoint.others.items() if reason != TIED}
    unmatched += [Unmatched(name, reason) for name, reason in seen.items()]
    if not shared:
        first, second = (next(iter(checkpoint.tensors)) for checkpoint in checkpoints[:2])
        raise ValueError(
            f"no weight of {checkpoints[0].name!r} has name and shape of one of {checkpoints[1].name!r} (they begin with "
            f"{first!r} and {second!r}); pass two checkpoints of the same model."
        )
    return Pairing(tuple(shared), tuple(unmatched))


def _with_heads(checkpoint: Checkpoint, checkpoints: Sequence[Checkpoint]) -> dict[str, TensorSource]:
    """Its tensors; where it is tied and others are not, its embedding stands under their head's name too."""
    table = dict(checkpoint.tensors)
    heads = {
        name
        for other in checkpoints
        if not other.tied
        for name in other.tensors
        if kind_of(name) == "head" and name.endswith("weight")
    }
    embedding = next((source for name, source in table.items() if is_embedding(name)), None)
    if checkpoint.tied and embedding is not None:
        table |= dict.fromkeys(heads - set(table), embedding)
    return table
