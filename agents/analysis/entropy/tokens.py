"""Entropies of single tokens: their histogram and quantiles, and which tokens are uncertain to two models alike.

Legend of shape suffixes: N tokens, E edges of a histogram.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..seed_curves import Interval
from .intervals import mean_over_clusters

BIN = 0.1
"""Width of a bin of the histogram, nats."""
EDGE_E = np.arange(121) * BIN
"""0 to 12 nats, which a vocabulary of 160,000 cannot exceed; what lies above counts in the last bin."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.8, 0.95, 0.99)
HIGH = 0.8
"""The quantile above which a token is one of high entropy."""
ALL = "all"
"""The group of all replies."""
TOP = 0.2
"""Share of tokens whose sets are compared between models."""


@dataclass(frozen=True, slots=True)
class TokenScores:
    """Numbers per token of some replies, one reply after the other, float64."""

    entropy_N: np.ndarray
    """Exact, over the vocabulary, nats."""
    logprob_N: np.ndarray
    """Of the token itself, nats."""
    message_N: np.ndarray
    """Which reply it is of, from 0."""

    def of(self, messages: Sequence[int]) -> TokenScores:
        """The tokens of some of the replies, which keep their numbers."""
        kept_N = np.isin(self.message_N, np.asarray(messages, dtype=np.int64))
        return TokenScores(self.entropy_N[kept_N], self.logprob_N[kept_N], self.message_N[kept_N])


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSummary:
    """Entropy of a model on the tokens of some replies, in nats."""

    model: str
    replies: str
    """Whose replies: the name of the model that sampled them, or of the file that they were read from."""
    group: str
    """`all`, a role, or `role/task_type`."""
    messages: int
    tokens: int
    exact: Interval
    """Mean over tokens of the entropy over the vocabulary; the interval is over prompts."""
    sampled: float
    """Mean over tokens of -log p; estimates `exact` where the model itself sampled the replies."""
    quantiles: Mapping[float, float]
    high_share: float
    """Share of tokens above the base's quantile `HIGH` on the base's own replies, or on the recorded ones."""
    histogram: Sequence[int]
    """Tokens in each bin of `EDGE_E`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOverlap:
    """Two models on the same tokens, teacher-forced."""

    base: str
    model: str
    replies: str
    """Whose replies the tokens are of."""
    tokens: int
    share: float
    """Of the tokens that are in a set, `TOP` but for ties."""
    overlap: float
    """Share of the base's tokens of highest entropy that are among the model's, see `overlap_of_top`."""
    chance: float
    """What two unrelated rankings would have."""
    change: Interval
    """Mean of the model's exact entropy less the base's, token by token; the interval is over prompts."""
    kl: Interval
    """Estimate, per token, of KL(sampler || other): mean of log p(sampler) - log p(other) over the tokens that one of the two
    sampled. Of recorded replies, which may be of neither, only a mean of log p(base) - log p(model)."""


def histogram(entropy_N: np.ndarray) -> np.ndarray:
    """Tokens in each bin of `EDGE_E`, int64; the last takes all above, the first what rounding puts below 0."""
    inside_N = np.clip(entropy_N, EDGE_E[0], EDGE_E[-1])
    return np.histogram(inside_N, EDGE_E)[0]


def top_tokens(entropy_N: np.ndarray, share: float = TOP) -> np.ndarray:
    """True on the ceil(share * N) tokens of highest entropy; ties at the border all count.

    See: Wang et al., Beyond the 80/20 Rule, arXiv 2506.01939; `agents.algorithms.token_weights.high_entropy` trains them alone.
    """
    kept = math.ceil(share * len(entropy_N))
    if not kept:
        return np.zeros(len(entropy_N), dtype=bool)
    return entropy_N >= np.partition(entropy_N, len(entropy_N) - kept)[len(entropy_N) - kept]


def overlap_of_top(base_N: np.ndarray, other_N: np.ndarray, share: float = TOP) -> tuple[float, float]:
    """Overlap |A and B| / min(|A|, |B|) of the two sets of `top_tokens`, and max(|A|, |B|) / N, which chance would give.

    Without ties both sets have ceil(share * N) tokens, and chance is `share`.

    Raises:
        ValueError: The two are not of the same tokens, or there are none.
    """
    if base_N.shape != other_N.shape or not len(base_N):
        raise ValueError(f"{len(base_N)} and {len(other_N)} entropies must be of the same tokens, at least one.")
    base_top, other_top = top_tokens(base_N, share), top_tokens(other_N, share)
    sizes = int(base_top.sum()), int(other_top.sum())
    return float((base_top & other_top).sum() / min(sizes)), max(sizes) / len(base_N)


def summarise(
    scores: TokenScores, clusters: Sequence[int], threshold: float, *, model: str, replies: str, group: str = "all"
) -> TokenSummary:
    """What the tokens of some replies say of a model.

    Args:
        scores: Under that model.
        clusters: The prompt of every reply, from 0: replies to one prompt are no independent evidence.
        threshold: Entropy above which a token counts in `high_share`, nats.
        model: Its name.
        replies: Whose they are.
        group: Which of them.
    """
    entropy_N = np.maximum(scores.entropy_N, 0.0)
    return TokenSummary(
        model=model,
        replies=replies,
        group=group,
        messages=len(np.unique(scores.message_N)),
        tokens=len(entropy_N),
        exact=mean_over_clusters(entropy_N, np.asarray(clusters, dtype=np.int64)[scores.message_N], 0.0),
        sampled=float(-scores.logprob_N.mean()),
        quantiles=dict(zip(QUANTILES, np.quantile(entropy_N, QUANTILES).tolist(), strict=True)),
        high_share=float((entropy_N > threshold).mean()),
        histogram=histogram(entropy_N).tolist(),
    )


def compare_tokens(
    base: TokenScores,
    other: TokenScores,
    clusters: Sequence[int],
    *,
    names: tuple[str, str],
    replies: str,
    by_other: bool = False,
) -> TokenOverlap:
    """Two models on the same tokens.

    Args:
        base: Scores under the base.
        other: Scores of the same tokens under the other model.
        clusters: As for `summarise`.
        names: Of the two.
        replies: Whose they are.
        by_other: The other model sampled them, so that the divergence is its own from the base.
    """
    overlap, chance = overlap_of_top(base.entropy_N, other.entropy_N)
    cluster_N = np.asarray(clusters, dtype=np.int64)[base.message_N]
    gap_N = base.logprob_N - other.logprob_N
    return TokenOverlap(
        base=names[0],
        model=names[1],
        replies=replies,
        tokens=len(base.entropy_N),
        share=TOP,
        overlap=overlap,
        chance=chance,
        change=mean_over_clusters(other.entropy_N - base.entropy_N, cluster_N),
        kl=mean_over_clusters(-gap_N if by_other else gap_N, cluster_N),
    )
