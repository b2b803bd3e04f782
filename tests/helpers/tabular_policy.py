"""A softmax policy as a table of logits: its entropy, exact gradient steps, and what they change to first order.

Legend of shape suffixes: S states, A actions.

See: Cui et al., The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models, arXiv 2505.22617.
"""

from __future__ import annotations

import numpy as np


def softmax_entropy(p_SA: np.ndarray) -> np.ndarray:
    """Entropy of every state's distribution, nats (S,)."""
    return -(p_SA * np.log(p_SA)).sum(axis=1)


def vanilla_step(p_SA: np.ndarray, advantage_SA: np.ndarray, eta: float) -> np.ndarray:
    """Change of logits by one exact gradient step on sum_a pi(a|s) A(s, a) in every state: eta pi (A - sum_b pi_b A_b)."""
    return eta * p_SA * _centred(p_SA, advantage_SA)


def natural_step(p_SA: np.ndarray, advantage_SA: np.ndarray, eta: float) -> np.ndarray:
    """The same by one natural gradient step: eta (A - sum_b pi_b A_b)."""
    return eta * _centred(p_SA, advantage_SA)


def predicted_change(p_SA: np.ndarray, step_SA: np.ndarray) -> np.ndarray:
    """First-order change of every state's entropy, -Cov_{a ~ pi}(log pi, dz), nats (S,).

    Args:
        p_SA: Probabilities above 0; rows add up to 1.
        step_SA: Change dz of the logits.
    """
    return -(p_SA * _centred(p_SA, np.log(p_SA)) * _centred(p_SA, step_SA)).sum(axis=1)


def _centred(p_SA: np.ndarray, value_SA: np.ndarray) -> np.ndarray:
    """Values less their mean under each state's policy."""
    return value_SA - (p_SA * value_SA).sum(axis=1, keepdims=True)
