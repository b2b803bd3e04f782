"""How many weights every arm leaves unchanged, and at which size of the update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from ...analysis.weights.equal_size import SizePoint
from ...experiments.findings.azr_estimates import equal_size, shares_at_size
from ...experiments.findings.changes import TOLERANCES, ChangesAt
from ...experiments.findings.findings import Findings
from ...runs.adapters import has_adapter_per_role
from ..page import Picture, Section, Table
from ..sparsity import draw_sparsity
from ..style import Looks
from .published import published
from .words import NONE, plain, points

TINY = (
    "A small model that trains in float32 at a large learning rate changes nearly every weight; the order between arms is what "
    "can be compared with models of billions of weights that are stored in bfloat16 and trained at 1e-6."
)


def weights_section(findings: Findings, looks: Looks) -> Section | None:
    """Shares of unchanged weights by arm; None where no model was kept."""
    if not findings.changes:
        return None
    size, shares = equal_size(findings), shares_at_size(findings)
    trajectories = {arm: _trajectory(list(runs.values())) for arm, runs in findings.changes.items()}
    heads = [f"{precision} {tolerance:g}" for precision in ("float32", "bfloat16") for tolerance in TOLERANCES]
    same = "at no size that all runs passed" if size is None else f"at RMS {size:.2e}"
    data = [
        (arm, seed, one.step, one.rms, one.below_tenth, *one.float32, *one.bfloat16)
        for arm, runs in findings.changes.items()
        for seed, of_run in runs.items()
        for one in of_run
    ]
    return Section(
        name="weights",
        title="Unchanged weights",
        text=_adapters(findings),
        pictures=[
            Picture(
                name="unchanged-weights",
                figure=draw_sparsity(findings.layers, trajectories, looks),
                says="Share of unchanged weights by tolerance, layer, type of matrix, and at equal size of the update.",
                columns=("arm", "seed", "step", "rms", "below a tenth", *heads),
                data=data,
            )
        ],
        tables=[
            Table(
                columns=("arm", "seeds", "RMS of the update", "below a tenth of it", f"unchanged in bfloat16 {same}"),
                rows=[_at_size(arm, list(runs.values()), shares.get(arm, {})) for arm, runs in findings.changes.items()],
                caption="In percent, mean over seeds, of the last model.",
            ),
            Table(
                columns=("arm", *heads),
                rows=[_by_tolerance(arm, list(runs.values())) for arm, runs in findings.changes.items()],
                caption="Unchanged weights in percent, by precision and by the largest change that counts as none.",
            ),
        ],
        definition="Share of weights with |end - start| at most a tolerance, both in float32, or exactly equal after both are "
        "rounded to bfloat16. At equal size: linear in log RMS between the kept models of a run, in the middle of the sizes "
        "that all runs passed, or those of SFT, self-play and RLVR where they are there. Pictures by layer and type: the first "
        "seed of every arm.",
        caveat=TINY if findings.results.experiment.model == "tiny" else "",
        published=published(findings, "weights"),
    )


def _adapters(findings: Findings) -> list[str]:
    """Which weights stand for a run whose roles have adapters of their own."""
    roles = [arm.name for arm in findings.arms if has_adapter_per_role(arm.config)]
    return [f"Arms with an adapter per role: {', '.join(roles)}; the one that answers is compared."] if roles else []


def _at_size(arm: str, runs: Sequence[Sequence[ChangesAt]], shares: Mapping[str, float]) -> tuple[str, ...]:
    ends = [kept[-1] for kept in runs]
    return (
        arm,
        str(len(ends)),
        f"{fmean(one.rms for one in ends):.2e}",
        points(fmean(one.below_tenth for one in ends)),
        points(fmean(shares.values())) if shares else NONE,
    )


def _by_tolerance(arm: str, runs: Sequence[Sequence[ChangesAt]]) -> tuple[str, ...]:
    columns = zip(*((*kept[-1].float32, *kept[-1].bfloat16) for kept in runs), strict=True)
    return (arm, *(points(fmean(column)) for column in columns))


def _trajectory(runs: Sequence[Sequence[ChangesAt]]) -> list[SizePoint]:
    """Means over seeds at the steps that all of them kept."""
    at = [{one.step: one for one in of_run} for of_run in runs]
    return [
        SizePoint(
            f"step {plain(step)}", fmean(of_run[step].rms for of_run in at), fmean(of_run[step].bfloat16[0] for of_run in at)
        )
        for step in sorted(set(at[0]).intersection(*at[1:]))
    ]
