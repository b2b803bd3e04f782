"""Pictures of updates: unchanged weights by tolerance, layer and type of matrix, and at equal size of the update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..analysis.weights.counts import Changes
from ..analysis.weights.equal_size import SizePoint
from ..analysis.weights.names import KINDS
from ..analysis.weights.sparsity import OUTSIDE, Sparsity
from .style import Looks, add_legend, labelled, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHARE = "unchanged weights (share, 0 to 1)"
ShareOf = Callable[[Changes], float]


def draw_sparsity(
    results: Mapping[str, Sparsity], runs: Mapping[str, Sequence[SizePoint]] | None = None, looks: Looks | None = None
) -> Figure:
    """Everything on one picture: by tolerance, by layer, by type, and, with trajectories, at equal size of the update.

    Args:
        results: Comparisons by the names that the legend shows, such as arms.
        runs: Points of trajectories by their names.
        looks: Of these names, where other pictures show them too.
    """
    looks = looks or Looks()
    figure, panels = new_figure(2, 3)
    draw_by_tolerance(panels[0], results, looks)
    draw_by_layer(panels[1], results, "unchanged in bfloat16, by layer", Changes.bfloat16_share, looks)
    draw_by_kind(panels[2], results, "unchanged in bfloat16, by type", Changes.bfloat16_share, looks)
    if runs:
        draw_at_size(panels[3], runs, looks)
    else:
        panels[3].set_axis_off()
    draw_by_layer(panels[4], results, "changes below a tenth of their RMS, by layer", below_tenth_share, looks)
    draw_by_kind(panels[5], results, "changes below a tenth of their RMS, by type", below_tenth_share, looks)
    for panel in (panels[4], panels[5]):
        panel.set_ylabel("weights (share, 0 to 1)")
    named = {label: handle for axes in panels[1:2] for handle, label in zip(*labelled(axes), strict=True)}
    if len(named) > 1:
        add_legend(figure, handles=[*named.values()], labels=[*named], loc="outside lower center", ncols=min(4, len(named)))
    return figure


def below_tenth_share(changes: Changes) -> float:
    """Share of weights whose change is below a tenth of the RMS."""
    return changes.below_tenth / changes.weights


def draw_by_tolerance(axes: Axes, results: Mapping[str, Sparsity], looks: Looks) -> None:
    """The share of unchanged weights over the tolerances; bfloat16 is hollow."""
    for place, (name, result) in enumerate(results.items()):
        labels = [f"{tolerance:g}" for tolerance in result.tolerances]
        changes = result.whole.changes
        for precision, share_of, fill in (
            ("float32", changes.float32_share, "full"),
            ("bfloat16", changes.bfloat16_share, "none"),
        ):
            shares = [share_of(index) for index in range(len(labels))]
            axes.plot(labels, shares, **looks(name), fillstyle=fill, label=precision if place == 0 else f"{name}, {precision}")
    axes.set(
        title="unchanged, by tolerance", xlabel="largest |change| that counts as unchanged", ylabel=SHARE, ylim=(-0.02, 1.02)
    )
    handles, labels = labelled(axes)
    add_legend(axes, handles=handles[:2], labels=labels[:2], loc="best")


def draw_by_layer(axes: Axes, results: Mapping[str, Sparsity], title: str, share_of: ShareOf, looks: Looks) -> None:
    """One line per result over the layers; weights outside the layers are left out."""
    from matplotlib.ticker import MaxNLocator

    for name, result in results.items():
        layers = [(int(one.name.split()[1]), share_of(one.changes)) for one in result.layers if one.name != OUTSIDE]
        axes.plot([layer for layer, _ in layers], [share for _, share in layers], **looks(name), label=name)
    axes.set(title=title, xlabel="layer, from 0", ylabel=SHARE, ylim=(-0.02, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def draw_by_kind(axes: Axes, results: Mapping[str, Sparsity], title: str, share_of: ShareOf, looks: Looks) -> None:
    """One marker per result and type of matrix."""
    kinds = [kind for kind in KINDS if any(one.name == kind for result in results.values() for one in result.kinds)]
    for place, (name, result) in enumerate(results.items()):
        shares = {one.name: share_of(one.changes) for one in result.kinds}
        known = [kind for kind in kinds if kind in shares]
        shift = 0.5 * (place - (len(results) - 1) / 2) / max(len(results), 2)
        places = [kinds.index(kind) + shift for kind in known]
        look: dict[str, Any] = {**looks(name), "linestyle": ""}
        axes.plot(places, [shares[kind] for kind in known], **look, label=name)
    axes.set(title=title, ylabel=SHARE, ylim=(-0.02, 1.02))
    axes.set_xticks(range(len(kinds)), kinds, rotation=45, ha="right")


def draw_at_size(axes: Axes, runs: Mapping[str, Sequence[SizePoint]], looks: Looks) -> None:
    """The share that is unchanged in bfloat16 against the size of the update, a line per run."""
    from matplotlib.ticker import NullFormatter

    for name, points in runs.items():
        own = sorted((point for point in points if point.rms > 0), key=lambda point: point.rms)
        axes.plot([point.rms for point in own], [point.unchanged for point in own], **looks(name), label=name)
    sizes = [point.rms for points in runs.values() for point in points if point.rms > 0]
    axes.set_xscale("log")
    if sizes:
        axes.set_xlim(min(sizes) / 3, max(sizes) * 3)  # a power of ten is in view, and has the only label
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(title="unchanged in bfloat16, at equal size", xlabel="RMS of end - start", ylabel=SHARE, ylim=(-0.02, 1.02))
    add_legend(axes, loc="best")
