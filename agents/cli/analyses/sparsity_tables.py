"""Tables of `selfplay analyze sparsity`; shares are in percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from selfplay_envs.names.registration import answering_roles

from ...analysis.weights.equal_size import SizePoint, compare_at_equal_size
from ...analysis.weights.mask_overlap import Overlap, OverlapResult
from ...analysis.weights.sparsity import GroupChanges, Sparsity
from ...analysis.weights.update_rank import UpdateRank, UpdateRanks
from ...display.tables import print_table, say
from ...runs.adapters import adapter_folders, has_adapter_per_role, merged_adapter
from ...runs.folder import find_model

NAMED = 5
"""Tensors that are named where many are not compared."""


def print_roles(console: Console, names: Sequence[str]) -> None:
    """Says of each run with an adapter per role which of them is compared, and what to name for another.

    Args:
        console: To print to.
        names: Of checkpoints, as a person typed them.
    """
    for name in dict.fromkeys(names):
        path, config = find_model(name)
        place = Path(path)
        adapters = adapter_folders(place.parent if place.name == "model" else place)
        if config is None or not adapters or not has_adapter_per_role(config):
            continue
        merged = merged_adapter([one.name for one in adapters], answering_roles(mix.env_id for mix in config.games))
        others = " or ".join(str(one) for one in adapters if one.name != merged)
        other = f"; for another role pass {others}" if others else ""
        say(console, f"{name} is a run with an adapter per role, and the {merged}'s is compared{other}.")


def print_sparsity(console: Console, result: Sparsity) -> None:
    """Shares over tolerances, the size of the update, and shares by type of matrix and by layer."""
    whole, (before, after) = result.whole, result.precisions
    say(
        console,
        f"{result.start} ({before}) -> {result.end} ({after}): {whole.changes.weights:,} weights in {whole.tensors} tensors.",
    )
    _print_unmatched(console, result)
    rows = [
        [
            f"{tolerance:g}",
            percent(whole.changes.float32_share(place)),
            percent(whole.changes.bfloat16_share(place)),
            *(percent(means[place]) if means else "-" for means in (whole.matrix_mean_float32, whole.matrix_mean_bfloat16)),
        ]
        for place, tolerance in enumerate(result.tolerances)
    ]
    columns = ("tolerance", "float32", "bfloat16", "float32, mean", "bfloat16, mean")
    print_table(console, "Unchanged weights in percent: |end - start| <= tolerance (mean: of matrices)", columns, rows)
    _print_size(console, whole)
    heads = ("weights", "float32", "bfloat16", "below RMS/10", "RMS")
    print_table(
        console, "Unchanged weights in percent, by type of matrix", ("type", *heads), [_row(one) for one in result.kinds]
    )
    print_table(console, "Unchanged weights in percent, by layer", ("layer", *heads), [_row(one) for one in result.layers])


def _print_unmatched(console: Console, result: Sparsity) -> None:
    if not result.unmatched:
        return
    named = "; ".join(f"{one.name} ({one.reason})" for one in result.unmatched[:NAMED])
    rest = len(result.unmatched) - NAMED
    more = f"; and {rest} more, all of them in the file of --json" if rest > 0 else ""
    say(console, f"Not compared: {named}{more}.")


def _print_size(console: Console, whole: GroupChanges) -> None:
    changes = whole.changes
    relative = f", {changes.rms / changes.start_rms:.2%} of the weights' own" if changes.start_rms else ""
    say(console, f"Size of the update: RMS {changes.rms:.3g}{relative}; largest change {changes.largest:.3g}.")
    say(
        console,
        f"Weights whose change is below half of the start's last place in bfloat16: "
        f"{percent(changes.below_half_last_place / changes.weights)} %; below one: "
        f"{percent(changes.below_last_place / changes.weights)} %; below a tenth of the RMS, which no learning rate decides: "
        f"{percent(changes.below_tenth / changes.weights)} % (of normally distributed changes 7.97 %).",
    )
    if changes.not_finite:
        say(console, f"{changes.not_finite:,} weights are infinite or no number in one of the two; they count as changed.")


def _row(group: GroupChanges) -> list[str]:
    changes = group.changes
    return [
        short(group.name),
        f"{changes.weights:,}",
        percent(changes.float32_share()),
        percent(changes.bfloat16_share()),
        percent(changes.below_tenth / changes.weights),
        f"{changes.rms:.2g}",
    ]


def print_trajectories(console: Console, runs: Mapping[str, Sequence[SizePoint]]) -> dict[str, Any]:
    """The points of every run, and all runs at equal size where there are two; returns both as JSON."""
    for run, points in runs.items():
        rows = [[escape(point.name), f"{point.rms:.3g}", percent(point.unchanged)] for point in points]
        print_table(console, f"{run}: size of the update, unchanged in bfloat16", ("checkpoint", "RMS", "unchanged %"), rows)
    record: dict[str, Any] = {"trajectories": {run: [asdict(point) for point in points] for run, points in runs.items()}}
    if len(runs) < 2:
        return record
    rows_at = compare_at_equal_size(runs)
    if not rows_at:
        say(console, "The two runs have no size of the update in common, so that they cannot be compared at an equal one.")
    else:
        cells = [[f"{row.rms:.3g}", *(percent(row.unchanged[run]) for run in runs)] for row in rows_at]
        print_table(
            console, "Unchanged in bfloat16, in percent, at equal size of the update (interpolated)", ("RMS", *runs), cells
        )
    return {**record, "at_equal_size": [asdict(row) for row in rows_at]}


def print_scaled(console: Console, points: Sequence[SizePoint]) -> None:
    """What would be unchanged had the update been of another size."""
    rows = [[f"{point.rms:.3g}", percent(point.unchanged)] for point in points]
    print_table(console, "Unchanged in bfloat16, had the same update been of that size", ("RMS", "unchanged %"), rows)


def print_overlap(console: Console, result: OverlapResult) -> None:
    """Shares of changed weights, and what both share beside chance."""
    columns = ("weights", "end", "other", "both", "chance", "ratio", "in tensors", "Jaccard", "of smaller")
    rows = [_overlap_row(one) for one in (result.whole, *result.kinds)]
    where = "bfloat16" if result.bfloat16 else "float32"
    title = f"Changed weights in percent, {result.a} and {result.b} (other), in {where}, |change| > {result.tolerance:g}"
    print_table(console, title, columns, rows)
    print_table(console, "By layer", ("layer", *columns[1:]), [_overlap_row(one) for one in result.layers])
    say(
        console,
        "ratio: both over chance, the product of the shares; in tensors: over chance within each tensor; of smaller: both over "
        "the smaller of the two.",
    )


def _overlap_row(one: Overlap) -> list[str]:
    return [
        short(one.name),
        percent(one.share_a),
        percent(one.share_b),
        percent(one.share_both),
        percent(one.chance),
        *(_ratio(value) for value in (one.ratio, one.ratio_within, one.jaccard, one.coefficient)),
    ]


def print_ranks(console: Console, result: UpdateRanks) -> None:
    """Means over the matrices of each type, as shares of full rank."""
    kinds = list(dict.fromkeys(one.kind for one in result.measured))
    groups = {kind: [one for one in result.measured if one.kind == kind] for kind in kinds}
    rows = [_rank_row(name, members) for name, members in (("all", list(result.measured)), *groups.items()) if members]
    columns = ("type", "matrices", "numerical", "above 1 %", "effective", "stable")
    print_table(console, "Rank of the update in percent of full rank: means over matrices", columns, rows)
    if len(result.measured) < result.matrices:
        large = f", {len(result.too_large)} of them too large (--rank-side)" if result.too_large else ""
        left = result.matrices - len(result.measured)
        say(console, f"{left} of {result.matrices} matrices were left out{large}; more with --rank-matrices.")
    if result.stacked:
        say(
            console,
            f"Tensors of more than two dimensions are no matrices and were not measured: {len(result.stacked)}, "
            f"such as {result.stacked[0]}.",
        )


def _rank_row(name: str, members: Sequence[UpdateRank]) -> list[str]:
    shares = [
        sum(value / one.full for value, one in zip(values, members, strict=True)) / len(members)
        for values in (
            [one.numerical for one in members],
            [one.noticeable for one in members],
            [one.effective for one in members],
            [one.stable for one in members],
        )
    ]
    return [name, str(len(members)), *map(percent, shares)]


def short(name: str) -> str:
    """The name of a group in a column that says what it is."""
    return name.removeprefix("layer ").removesuffix(" layers")


def percent(share: float) -> str:
    """Percent with two digits behind the point; what is not quite 0 or 100 does not look as if it were."""
    if 0 < share < 0.00005:
        return "<0.01"
    if 0.99995 < share < 1:
        return ">99.99"
    return f"{100 * share:.2f}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
