"""What happens along the runs: entropy, validation, and entropy against what is solved."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.dynamics import ALL_ARMS
from ...analysis.entropy.curves import WHOLE
from ...analysis.exponential_fit import ExponentialFit
from ...analysis.seed_curves import SeedCurve
from ...analysis.stability.reward_drift import held_out
from ...experiments.findings.findings import Findings
from ..dynamics import draw_dynamics
from ..entropy import draw_curves
from ..page import Picture, Section, Table
from ..style import Looks
from .published import published
from .series import lines_picture, mean_series
from .words import NONE, plain, points


def entropy_section(findings: Findings, looks: Looks) -> Section | None:
    """Entropy by role and by task type over training; None where no arm samples."""
    curves = findings.entropies
    if not curves:
        return None
    by_role = [curve for curve in curves if "/" not in curve.group]
    by_type = [curve for curve in curves if "/" in curve.group]
    pictures = [_entropy_picture("entropy-by-role", by_role, looks, "Entropy over steps, of the whole model and by role.")]
    if by_type:
        pictures.append(_entropy_picture("entropy-by-type", by_type, looks, "Entropy over steps, by role and task type."))
    rows = [
        (curve.arm, curve.group, str(curve.seeds), plain(curve.first.mean), plain(curve.last.mean), _change(curve))
        for curve in by_role
    ]
    return Section(
        name="entropy",
        title="Entropy over training",
        pictures=pictures,
        tables=[
            Table(
                columns=("arm", "of", "seeds", "first tenth", "last tenth", "change, 95 %"),
                rows=rows,
                prose=(1,),
                caption="Nats per token.",
            )
        ],
        definition="H = -sum p log p over the whole vocabulary at the sampling temperature, mean over the response tokens that "
        "trained, by the step before whose update it was; bands: Student's t over seeds.",
        caveat="Arms that imitate given replies have no entropy here: on replies that are not the policy's own it would be "
        "another number. A proposer that does not train has none either.",
        published=published(findings, "entropy"),
    )


def validation_section(findings: Findings, looks: Looks) -> Section | None:
    """pass@1 on the validation problems over steps, or the score of answers that can be partly right, by arm.

    None where it was not measured.
    """
    curves = {arm: [held_out(run.evaluations) for run in runs] for arm, runs in findings.runs.items()}
    series = {
        arm: mean_series([list(zip(curve.steps, curve.values, strict=True)) for curve in of_arm])
        for arm, of_arm in curves.items()
    }
    scored = any(
        key.endswith("/score") for runs in findings.runs.values() for run in runs for row in run.evaluations for key in row
    )
    what = "score" if scored else "pass@1"
    series = {arm: points_of_arm for arm, points_of_arm in series.items() if points_of_arm}
    if not series:
        return None
    rows = [(arm, *(points(value) for _, value in (of_arm[0], of_arm[-1]))) for arm, of_arm in series.items()]
    return Section(
        name="validation",
        title="Validation over training",
        pictures=[
            lines_picture(
                "validation",
                series,
                looks,
                "validation problems",
                f"{what} (mean of games and seeds)",
                f"Validation {what} over steps by arm.",
            )
        ],
        tables=[Table(columns=("arm", "first measured %", "last measured %"), rows=rows)],
        definition=f"Mean over task types of the {what} on the validation problems, none of which is held out, over seeds.",
        published=published(findings, "validation"),
    )


def dynamics_section(findings: Findings, looks: Looks) -> Section | None:
    """Entropy against pass@k along the runs; None without points."""
    if not findings.points:
        return None
    rows = [
        (law.arm, law.entropy, law.score, *_fit_cells(law.fit), law.reason)
        for law in findings.laws
        if law.arm == ALL_ARMS or law.entropy == WHOLE
    ]
    data = [
        (p.run, p.arm, p.seed, p.step, "" if p.entropy is None else p.entropy, p.pass_1, p.pass_k, p.k) for p in findings.points
    ]
    shown = [law for law in findings.laws if law.arm == ALL_ARMS]
    picture = Picture(
        name="dynamics",
        figure=draw_dynamics(findings.points, shown, looks),
        says="pass@1 and pass@k of all evaluations against entropy, with the fitted curve.",
        columns=("run", "arm", "seed", "step", "entropy", "pass@1", "pass@k", "k"),
        data=data,
    )
    columns = ("arms", "entropy of", "score", "a", "b", "ceiling b - a", "R²", "intervals over", "why not")
    return Section(
        name="dynamics",
        title="Entropy against what is solved",
        pictures=[picture],
        tables=[Table(columns=columns, rows=rows, prose=(1, 2, 8))],
        definition="R = b - a exp(H), least squares over all evaluations on validation problems; intervals by the jackknife "
        "over runs, or with fewer than three runs of least squares, as if points were independent.",
        published="The law is that of Cui et al. (arXiv 2505.22617), for 11 models and algorithms without self-play.",
    )


def _fit_cells(fit: ExponentialFit | None) -> tuple[str, ...]:
    if fit is None:
        return (NONE,) * 5
    a, b, ceiling = (f"{plain(one.value)} [{plain(one.low)}, {plain(one.high)}]" for one in (fit.a, fit.b, fit.ceiling))
    return (a, b, ceiling, f"{fit.r2:.2f}", fit.interval_by)


def _change(curve: SeedCurve) -> str:
    one = curve.change
    if one.low is None or one.high is None:
        return f"{one.mean:+.3f}"
    return f"{one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _entropy_picture(name: str, curves: Sequence[SeedCurve], looks: Looks, says: str) -> Picture:
    data = [
        (curve.arm, curve.group, step, one.mean, *("" if end is None else end for end in (one.low, one.high)))
        for curve in curves
        for step, one in zip(curve.steps, curve.means, strict=True)
    ]
    columns = ("arm", "of", "step", "entropy", "low", "high")
    return Picture(name=name, figure=draw_curves(curves, looks), says=says, columns=columns, data=data)
