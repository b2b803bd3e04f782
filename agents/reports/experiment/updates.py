"""The updates of the last models: how many directions they use, and whether two runs change the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ...analysis.weights.update_rank import UpdateRank
from ...experiments.findings.findings import Findings
from ..page import Section, Table
from .words import NONE, points


def updates_section(findings: Findings) -> Section | None:
    """Ranks and overlaps; None where no model was kept."""
    tables = [*_ranks(findings), *_overlaps(findings)]
    if not tables:
        return None
    return Section(
        name="updates",
        title="Updates: their ranks, and which weights they share",
        tables=tables,
        definition="Ranks of end - start, of the first seed of every arm, mean over matrices. At 1 %: singular values above a "
        "hundredth of the largest; effective: exp of the entropy of their shares; stable: the sum of their squares by the "
        "largest square. Overlap: weights that both runs changed in bfloat16, by what chance would give, over all weights and "
        "within each tensor, and by the smaller of the two.",
        caveat="Rounding is an update of full numerical rank; the other three say more. Where nearly all weights change, an "
        "overlap can hardly be more than chance.",
        published="Mukherjee et al. (arXiv 2505.11711): updates of RL are sparse and of nearly full rank, and runs with other "
        "seeds or data overlap in more weights than chance gives.",
    )


def _ranks(findings: Findings) -> list[Table]:
    """Mean ranks over all matrices that were measured, and the effective one by type of matrix."""
    kinds = list(dict.fromkeys(one.kind for of_arm in findings.ranks.values() for one in of_arm.measured))
    rows: list[tuple[str, ...]] = []
    for arm, of_arm in findings.ranks.items():
        means = [_mean_rank(of_arm.measured, of) for of in ("numerical", "noticeable", "effective", "stable")]
        by_kind = [_mean_rank([one for one in of_arm.measured if one.kind == kind], "effective") for kind in kinds]
        rows.append((arm, str(len(of_arm.measured)), *means, *by_kind))
    if not kinds:
        return []
    columns = ("arm", "matrices", "numerical", "at 1 %", "effective", "stable", *(f"{kind}, effective" for kind in kinds))
    return [Table(columns=columns, rows=rows, caption="Rank of the update, in percent of a matrix's smaller side.")]


def _mean_rank(measured: Sequence[UpdateRank], of: str) -> str:
    return f"{fmean(100 * getattr(one, of) / one.full for one in measured):.0f}" if measured else NONE


def _overlaps(findings: Findings) -> list[Table]:
    rows = [
        (
            f"{one.arm}, seed {one.seeds[0]}",
            f"{one.other}, seed {one.seeds[1]}",
            points(one.overlap.share_a),
            points(one.overlap.share_b),
            points(one.overlap.share_both),
            _times(one.overlap.ratio),
            _times(one.overlap.ratio_within),
            _times(one.overlap.coefficient),
        )
        for one in findings.overlaps
    ]
    if not rows:
        return []
    columns = ("run", "other run", "changed %", "other's %", "both %", "by chance", "within tensors", "by the smaller")
    return [Table(columns=columns, rows=rows, prose=(1,), caption="Do two runs change the same weights? In bfloat16.")]


def _times(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"
