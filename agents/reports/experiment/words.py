"""Numbers as the page of an experiment writes them."""

from __future__ import annotations

from ...analysis.intervals import Estimate

NONE = "-"
"""In the place of a number that there is not."""


def points(value: float | None) -> str:
    """A share in percent, or a difference of shares in points: `12.3`."""
    return NONE if value is None else f"{100 * value:.1f}"


def gained(value: float) -> str:
    """A difference in points with its sign: `+1.2`."""
    return f"{100 * value:+.1f}"


def between(one: Estimate) -> str:
    """The interval of a difference in points."""
    return f"[{gained(one.low)}, {gained(one.high)}]"


def p_text(value: float) -> str:
    """A p value."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def plain(value: float) -> str:
    """A number of any size with three digits that count."""
    return f"{value:.3g}"
