"""Answers of arms whose chances of a right answer are known, and whose seeds and problems are drawn from known distributions.

The base answers problem p with the chance logistic(b_p), a trained arm's seed s with logistic(b_p + gain + seed_s + of_p +
of_sp); b is drawn for a cluster of problems and for each of them, and so is of_p. What an interval ought to cover is the mean
of pass@k over all seeds and problems that there could be: an integral over one normal variable per arm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BASE_MEAN, BASE_CLUSTER, BASE_PROBLEM = -1.0, 1.5, 1.0
"""Of the logits of the base: mean, and standard deviations over clusters and over the problems of one."""
NODES = 200


@dataclass(frozen=True, slots=True)
class Mix:
    """What a gain in logits varies with: standard deviations."""

    seeds: float
    clusters: float
    both: float
    gain: float = 0.5


MIXES = {
    "seeds dominate": Mix(seeds=0.6, clusters=0.2, both=0.1),
    "problems dominate": Mix(seeds=0.02, clusters=1.5, both=0.1),
    "both and interaction": Mix(seeds=0.15, clusters=0.8, both=0.8),
}


@dataclass(frozen=True, slots=True)
class Answers:
    """Right answers of a base and of a trained arm to the same problems."""

    base_P: np.ndarray
    trained_SP: np.ndarray
    clusters: list[str]
    other_SP: np.ndarray
    """Of other seeds of the same arm; none unless they are asked for."""


def draw_answers(mix: Mix, seeds: int, clusters: int, samples: int, rng: np.random.Generator, others: int = 0) -> Answers:
    """One experiment: clusters of 1 to 5 problems, 3 on average."""
    cluster_of = np.repeat(np.arange(clusters), rng.integers(1, 6, clusters))
    problems = len(cluster_of)
    base_P = BASE_MEAN + BASE_CLUSTER * rng.standard_normal(clusters)[cluster_of] + BASE_PROBLEM * rng.standard_normal(problems)
    every = seeds + others
    gain_SP = (
        mix.gain
        + mix.seeds * rng.standard_normal((every, 1))
        + mix.clusters * rng.standard_normal(clusters)[cluster_of]
        + mix.both * rng.standard_normal((every, clusters))[:, cluster_of]
    )
    right_P, right_SP = (rng.binomial(samples, logistic(logits)) for logits in (base_P, base_P + gain_SP))
    return Answers(right_P, right_SP[:seeds], [f"program {c}" for c in cluster_of], right_SP[seeds:])


def logistic(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-logits))


def true_pass_at_k(mix: Mix | None, k: int) -> float:
    """E[1 - (1 - p)^k] over all seeds and problems, of the base where there is no mix; by Gauss and Hermite."""
    mean, variance = BASE_MEAN, BASE_CLUSTER**2 + BASE_PROBLEM**2
    if mix is not None:
        mean, variance = mean + mix.gain, variance + mix.seeds**2 + mix.clusters**2 + mix.both**2
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    chance = logistic(mean + np.sqrt(variance) * nodes)
    return float((weights * (1 - (1 - chance) ** k)).sum() / weights.sum())
