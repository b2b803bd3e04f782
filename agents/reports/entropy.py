"""Pictures of entropy: over training, token by token, and predicted against measured changes. matplotlib is loaded late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.entropy.tokens import ALL, BIN, EDGE_E
from .style import INK, MARKERS, PALETTE, Looks, add_legend, labelled, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..analysis.entropy.change import ScaleFit
    from ..analysis.entropy.recorded import PredictedChange  # it loads torch
    from ..analysis.entropy.study import EntropyStudy
    from ..analysis.seed_curves import SeedCurve

NATS = "entropy (nats per token)"
BAND = 0.18
"""Opacity of an interval around a line."""
MOST_PANELS = 9
SLANTED = 3
"""More names than these at an axis would run into each other."""
MEANING: Mapping[str, str] = {
    "exact": "exact, over the vocabulary",
    "sampled": "sampled, mean of -log p",
    "recorded": "mean of -log p of all recorded messages",
}
"""What each kind of entropy is."""


def draw_curves(curves: Sequence[SeedCurve], looks: Looks | None = None) -> Figure:
    """Entropy over steps: a panel per group, a line per arm, a band where there are several seeds.

    Groups are drawn in their order, the whole model and the roles first, `MOST_PANELS` at most.

    Args:
        curves: Of one kind.
        looks: Of arms, where other pictures show them too.
    """
    looks = looks or Looks()
    groups = sorted({curve.group: None for curve in curves}, key=lambda group: "/" in group)[:MOST_PANELS]
    columns = min(3, len(groups))
    figure, panels = new_figure(-(-len(groups) // columns), columns)
    for axes, group in zip(panels, groups, strict=False):
        for curve in (one for one in curves if one.group == group):
            _draw_curve(axes, curve, looks(curve.arm))
        axes.set(title=group, xlabel="step (updates of the weights)", ylabel=NATS)
        axes.set_ylim(bottom=0)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    bands = "; bands: 95 % over seeds" if any(curve.seeds > 1 for curve in curves) else ""
    figure.suptitle(f"entropy of the next token: {MEANING[curves[0].kind]}{bands}", fontsize=11, color=INK)
    handles, labels = labelled(panels[0])
    add_legend(figure, handles=handles, labels=labels, loc="outside lower center", ncols=min(4, len(labels)))
    return figure


def draw_study(study: EntropyStudy, looks: Looks | None = None) -> Figure:
    """Histograms of token entropies, means by group with intervals, and overlap of uncertain tokens with the base's.

    Args:
        study: Of at least one model.
        looks: Of the models, where other pictures show them too.
    """
    looks = looks or Looks()
    models = list(dict.fromkeys(one.model for one in study.summaries))
    figure, panels = new_figure(1, 3 if study.overlaps else 2, width=5.8)
    _draw_histograms(panels[0], study, looks)
    _draw_means(panels[1], study, models, looks)
    if study.overlaps:
        _draw_overlaps(panels[2], study, models, looks)
    handles, labels = labelled(panels[0])
    add_legend(figure, handles=handles, labels=labels, loc="outside lower center", ncols=min(4, len(labels)))
    return figure


def draw_prediction(title: str, panels: Mapping[str, Sequence[tuple[PredictedChange, ScaleFit]]]) -> Figure:
    """Predicted against measured change of entropy; the line is where they are equal.

    Args:
        title: Of the figure.
        panels: What each shows by its name, one run or several, at least one; each with a scale of its own.
    """
    columns = min(3, len(panels))
    figure, axes = new_figure(-(-len(panels) // columns), columns)
    for panel, (name, of_runs) in zip(axes, panels.items(), strict=False):
        ends: list[float] = []
        for change, fit in of_runs:
            predicted = [-fit.eta * total for total in change.totals]
            panel.scatter(predicted, change.changes, color=PALETTE[0], marker=MARKERS[0], s=14)
            ends += [*predicted, *change.changes]
        panel.plot([min(ends), max(ends)], [min(ends), max(ends)], color=INK, linestyle="--", linewidth=1)
        r, same = (float(np.mean([getattr(fit, of) for _, fit in of_runs])) for of in ("correlation", "same_sign"))
        panel.set(
            title=f"{name}: r = {r:.2f}, same sign {same:.0%}",
            xlabel="predicted change, -eta Cov, eta fitted (nats per token)",
            ylabel="measured change (nats per token)",
        )
    for panel in axes[len(panels) :]:
        panel.set_axis_off()
    figure.suptitle(title, fontsize=11, color=INK)
    return figure


def _draw_curve(axes: Axes, curve: SeedCurve, arm: Mapping[str, Any]) -> None:
    """A line, and a band where there is an interval."""
    look: dict[str, Any] = {**arm, "marker": ""}
    seeds = f" ({curve.seeds} seeds)" if curve.seeds > 1 else ""
    axes.plot(curve.steps, [one.mean for one in curve.means], **look, label=curve.arm + seeds)
    low, high = ([np.nan if end is None else end for end in ends] for ends in _ends(curve))
    axes.fill_between(curve.steps, low, high, color=look["color"], alpha=BAND, linewidth=0)


def _ends(curve: SeedCurve) -> tuple[list[float | None], list[float | None]]:
    return [one.low for one in curve.means], [one.high for one in curve.means]


def _draw_histograms(axes: Axes, study: EntropyStudy, looks: Looks) -> None:
    """Share of tokens by entropy, a line per model; empty bins, which a logarithmic axis cannot show, are gaps."""
    centre_E = EDGE_E[:-1] + BIN / 2
    for one in study.summaries:
        if one.group == ALL:
            share_E = np.array(one.histogram) / one.tokens
            look: dict[str, Any] = {**looks(one.model), "markersize": 3, "linewidth": 1}
            axes.plot(centre_E, np.where(share_E > 0, share_E, np.nan), **look, label=one.model)
    axes.axvline(study.threshold, color=INK, linestyle=":", linewidth=1, label="80th percentile of the base")
    axes.set(title="tokens by entropy", xlabel=NATS, ylabel=f"share of tokens (bins of {BIN:g} nats)", yscale="log")


def _draw_means(axes: Axes, study: EntropyStudy, models: Sequence[str], looks: Looks) -> None:
    """Mean entropies by group, models side by side, with intervals."""
    groups = list(dict.fromkeys(one.group for one in study.summaries))
    for one in study.summaries:
        place = models.index(one.model)
        x = groups.index(one.group) + (place - (len(models) - 1) / 2) * 0.8 / len(models)
        mean, low, high = one.exact.mean, one.exact.low, one.exact.high
        bar = None if low is None or high is None else [[mean - low], [high - mean]]
        look = looks(one.model)
        axes.errorbar(x, mean, bar, capsize=3, fmt=look["marker"], color=look["color"])
    axes.set(title="mean by group; bars: 95 % over prompts", ylabel=NATS)
    axes.set_xticks(range(len(groups)), [group.replace("/", "\n") for group in groups], fontsize=8)
    axes.set_ylim(bottom=0)


def _draw_overlaps(axes: Axes, study: EntropyStudy, models: Sequence[str], looks: Looks) -> None:
    """Bars of overlap, with the level of chance on each: full on the replies of the model, hollow on others."""
    shown = [model for model in models if any(one.model == model for one in study.overlaps)]
    for place, model in enumerate(shown):
        of_model = [one for one in study.overlaps if one.model == model]
        width = 0.8 / len(of_model)
        for number, one in enumerate(of_model):
            x, color = place + (number - (len(of_model) - 1) / 2) * width, looks(model)["color"]
            filled = color if one.replies == model else "none"
            axes.bar(x, one.overlap, width=0.9 * width, facecolor=filled, edgecolor=color, linewidth=1.4)
            axes.hlines(one.chance, x - width / 2, x + width / 2, color=INK, linestyles="--", linewidth=1)
    whose = "full: on the model's replies; hollow: the base's; dashes: chance"
    if all(one.replies not in models for one in study.overlaps):
        whose = "dashes: chance"
    axes.set_title(f"most uncertain fifth, shared with the base\n{whose}", fontsize=10)
    axes.set_ylabel("share of the base's tokens (0 to 1)")
    slanted = len(shown) > SLANTED
    axes.set_xticks(range(len(shown)), shown, fontsize=8, rotation=30 * slanted, ha="right" if slanted else "center")
    axes.set_ylim(0, 1.02)
