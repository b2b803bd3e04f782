"""Histograms, top sets and their overlap, on numbers made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from agents.analysis.entropy.tokens import (
    EDGE_E,
    TokenScores,
    compare_tokens,
    histogram,
    overlap_of_top,
    summarise,
    top_tokens,
)


def test_every_token_is_in_one_bin() -> None:
    entropy_N = np.array([-1e-7, 0.0, 0.05, 0.1, 0.15, 11.95, 12.0, 40.0])
    counts_E = histogram(entropy_N)
    assert counts_E.sum() == len(entropy_N)
    assert len(counts_E) == len(EDGE_E) - 1 == 120
    assert (counts_E[0], counts_E[1], counts_E[-1]) == (3, 2, 3)
    rng = np.random.default_rng(0)
    assert histogram(rng.exponential(2.0, 10_000)).sum() == 10_000


def test_the_top_fifth_and_its_ties() -> None:
    assert top_tokens(np.array([5.0, 1.0, 4.0, 2.0, 3.0])).tolist() == [True, False, False, False, False]
    assert top_tokens(np.arange(6.0)).sum() == 2  # ceil(1.2)
    assert top_tokens(np.array([1.0, 1.0, 1.0, 0.0, 0.0])).sum() == 3
    assert top_tokens(np.zeros(0)).sum() == 0


def test_a_model_shares_all_with_itself_and_unrelated_rankings_share_what_chance_gives() -> None:
    rng = np.random.default_rng(1)
    base_N, other_N = rng.random(20_000), rng.random(20_000)
    assert overlap_of_top(base_N, base_N) == (1.0, 0.2)
    overlap, chance = overlap_of_top(base_N, other_N)
    assert chance == 0.2
    assert abs(overlap - chance) < 4 * np.sqrt(0.2 * 0.8 / 4_000)
    assert overlap_of_top(base_N, -base_N)[0] == 0.0
    assert overlap_of_top(np.array([3.0, 2.0, 1.0, 0.0, 0.0]), np.array([2.0, 3.0, 0.0, 0.0, 1.0]), share=0.4) == (1.0, 0.4)
    assert overlap_of_top(np.ones(5), np.arange(5.0)) == (1.0, 1.0)  # all tie, so that chance is certain
    with pytest.raises(ValueError, match="3 and 2 entropies"):
        overlap_of_top(np.ones(3), np.ones(2))


def scores(entropies: list[float], logprobs: list[float], messages: list[int]) -> TokenScores:
    return TokenScores(np.array(entropies), np.array(logprobs), np.array(messages))


def test_a_summary_by_hand() -> None:
    """Two prompts, three replies; means over tokens, the share above the threshold, the quantiles."""
    found = scores([0.0, 1.0, 2.0, 3.0, 4.0], [-0.5, -1.0, -1.5, -2.0, -5.0], [0, 0, 1, 2, 2])
    summary = summarise(found, [0, 0, 1], 2.5, model="m", replies="r", group="g")
    assert (summary.tokens, summary.messages, summary.group) == (5, 3, "g")
    assert summary.exact.mean == 2.0
    assert summary.sampled == 2.0
    assert summary.high_share == 0.4
    assert summary.quantiles[0.5] == 2.0
    assert summary.quantiles[0.25] == 1.0
    assert sum(summary.histogram) == 5
    part = summarise(found.of([2]), [0, 0, 1], 2.5, model="m", replies="r")
    assert (part.tokens, part.messages, part.exact.mean, part.exact.low) == (2, 1, 3.5, None)


def test_a_comparison_by_hand() -> None:
    base = scores([1.0, 0.0, 2.0, 0.0], [-1.0, -2.0, -3.0, -4.0], [0, 0, 1, 1])
    other = scores([0.0, 1.0, 1.0, 0.0], [-2.0, -4.0, -3.5, -4.5], [0, 0, 1, 1])
    found = compare_tokens(base, other, [0, 1], names=("b", "o"), replies="b")
    assert found.change.mean == -0.25
    assert found.kl.mean == 1.0  # (1 + 2 + 0.5 + 0.5) / 4
    turned = compare_tokens(base, other, [0, 1], names=("b", "o"), replies="o", by_other=True)
    assert turned.kl.mean == -1.0
    assert turned.change.mean == -0.25
