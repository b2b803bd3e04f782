"""The covariance of log-probability and advantage, which foretells the change of entropy, beside the change itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from ...analysis.entropy.curves import WHOLE
from ...experiments.findings.findings import Findings
from ...experiments.findings.predictions import SPAN, Prediction
from ..entropy import draw_prediction
from ..page import Picture, Section, Table
from .words import NONE


def prediction_section(findings: Findings) -> Section | None:
    """Predicted and measured changes by arm; None where nothing could be predicted."""
    found = findings.predictions.found
    if not found:
        return None
    groups: dict[tuple[str, str], list[Prediction]] = {}
    for one in found:
        groups.setdefault((one.arm, one.change.group), []).append(one)
    whole = {arm: [(one.change, one.fit) for one in of] for (arm, group), of in groups.items() if group == WHOLE}
    picture = Picture(
        name="entropy-prediction",
        figure=draw_prediction(
            f"change of entropy over {SPAN} updates, whole model, all seeds",
            whole or {f"{arm}, {group}": [(one.change, one.fit) for one in of] for (arm, group), of in groups.items()},
        ),
        says="Predicted against measured change of entropy, a panel per arm.",
        columns=("arm", "seed", "of", "from step", "updates", "covariance times updates", "eta", "measured change"),
        data=[row for one in found for row in _data(one)],
    )
    missing = sorted(set(findings.predictions.missing.values()))
    return Section(
        name="entropy-prediction",
        title="Entropy: predicted and measured change",
        pictures=[picture],
        tables=[
            Table(
                columns=("arm", "of", "seeds", "Cov", "change of entropy", "r", "r, least to most", "same sign"),
                rows=[(arm, group, *_cells(of)) for (arm, group), of in groups.items()],
                prose=(1,),
                caption="Means over seeds; Cov over all updates, change from the first to the last recorded step.",
            )
        ],
        text=[f"Not predicted: {' '.join(missing)}"] if missing else [],
        definition=f"Cov = mean of (A - mean A)(log p - mean log p) over a step's tokens, A their advantages as the run's "
        f"algorithm had them; to first order dH = -eta Cov for each update, with eta fitted for every run. Intervals of {SPAN} "
        "updates; r correlates -Cov with the measured change of the exact entropy.",
        caveat="The entropies at both ends of an interval are on different prompts, a noise that no covariance foretells; "
        "AdamW rescales every step. A positive Cov with a falling entropy agrees with the law, whatever r is.",
        published="Cui et al. (arXiv 2505.22617) find both to move alike in GRPO of models from 0.5 to 32 billion weights.",
    )


def _cells(predictions: Sequence[Prediction]) -> tuple[str, ...]:
    covariance = fmean(one.natural for prediction in predictions for one in prediction.change.covariances)
    change = fmean(sum(prediction.change.changes) for prediction in predictions)
    r = [one.fit.correlation for one in predictions if not math.isnan(one.fit.correlation)]
    return (
        str(len(predictions)),
        f"{covariance:+.4f}",
        f"{change:+.3f}",
        f"{fmean(r):+.2f}" if r else NONE,
        f"{min(r):+.2f} to {max(r):+.2f}" if r else NONE,
        f"{fmean(one.fit.same_sign for one in predictions):.0%}",
    )


def _data(one: Prediction) -> list[tuple[str | int | float, ...]]:
    change = one.change
    rows = zip(change.steps, change.updates, change.totals, change.changes, strict=True)
    return [(one.arm, one.seed, change.group, step, updates, total, one.fit.eta, moved) for step, updates, total, moved in rows]
