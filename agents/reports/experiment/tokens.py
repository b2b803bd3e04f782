"""The last models on the same prompts, token by token: entropies of arms that never sample too."""

from __future__ import annotations

from ...analysis.entropy.study import EntropyStudy
from ...analysis.entropy.tokens import ALL, EDGE_E
from ...analysis.seed_curves import Interval
from ..entropy import draw_study
from ..page import Picture, Section, Table
from ..style import Looks


def tokens_section(study: EntropyStudy | None, looks: Looks) -> Section | None:
    """Entropies of the last models on prompts of the validation problems; None where they were not asked."""
    if study is None:
        return None
    data = [
        (one.model, one.group, float(edge), count)
        for one in study.summaries
        for edge, count in zip(EDGE_E[:-1], one.histogram, strict=True)
        if count
    ]
    picture = Picture(
        name="token-entropy",
        figure=draw_study(study, looks),
        says="Histograms of token entropies, their means by group, and how many uncertain tokens are the base's.",
        columns=("arm", "of", "from (nats)", "tokens"),
        data=data,
    )
    return Section(
        name="token-entropy",
        title="Entropy on the same prompts, token by token",
        text=["The last model of the first seed of every arm, and the base, reply to the same validation problems."],
        pictures=[picture],
        tables=[_summaries(study), _overlaps(study)],
        definition="Exact entropy over the vocabulary at temperature 1; intervals over prompts. High: above the base's 80th "
        f"percentile, {study.threshold:.3f} nats. Overlap: share of the base's most uncertain fifth of the tokens that is "
        "among the arm's. Log p ratio: mean over tokens of log p of whoever sampled them less that of the other, an estimate "
        f"of KL per token. Group {ALL}: all replies.",
        caveat="One seed of every arm: an arm's seeds may differ by more than the intervals here.",
    )


def _summaries(study: EntropyStudy) -> Table:
    """Entropies of every model on its own replies."""
    rows = [
        (
            one.model,
            one.group,
            f"{one.tokens:,}",
            _interval(one.exact),
            f"{one.quantiles[0.5]:.3f}",
            f"{one.quantiles[0.95]:.3f}",
            f"{100 * one.high_share:.1f}",
        )
        for one in study.summaries
    ]
    columns = ("arm", "of", "tokens", "entropy, 95 %", "median", "95th percentile", "high %")
    return Table(columns=columns, rows=rows, prose=(1,), caption="Nats per token on a model's own replies.")


def _overlaps(study: EntropyStudy) -> Table:
    """Every arm beside the base on the replies of both."""
    rows = [
        (
            one.model,
            "its own" if one.replies == one.model else f"{one.replies}'s",
            _interval(one.change, signed=True),
            f"{one.overlap:.2f}",
            f"{one.chance:.2f}",
            _interval(one.kl),
        )
        for one in study.overlaps
    ]
    columns = ("arm", "on replies that are", "change of entropy", "overlap", "chance", "log p ratio")
    return Table(columns=columns, rows=rows, prose=(1,), caption="Beside the base, the same tokens.")


def _interval(one: Interval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    if one.low is None or one.high is None:
        return f"{one.mean:{sign}.3f}"
    return f"{one.mean:{sign}.3f} [{one.low:{sign}.3f}, {one.high:{sign}.3f}]"
