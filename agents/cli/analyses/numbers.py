"""Numbers with their intervals as cells of tables."""

from __future__ import annotations

from typing import Protocol


class HasInterval(Protocol):
    """A mean with an interval, if anything tells of its spread."""

    @property
    def mean(self) -> float:
        """The mean."""
        ...

    @property
    def low(self) -> float | None:
        """Lower end."""
        ...

    @property
    def high(self) -> float | None:
        """Upper end."""
        ...


def interval(value: HasInterval, *, signed: bool = False, digits: int = 3) -> str:
    """`0.341 (0.320 to 0.362)`; the mean alone where there is no interval."""
    form = f"{'+' if signed else ''}.{digits}f"
    if value.low is None or value.high is None:
        return f"{value.mean:{form}}"
    return f"{value.mean:{form}} ({value.low:{form}} to {value.high:{form}})"
