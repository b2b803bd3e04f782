"""Exact entropies and log-probabilities of the tokens of replies under a model, whoever sampled them (teacher forcing).

The learner's own scorer computes them: micro-batches within a budget of tokens, halved where memory runs out, and logits for a
few rows at a time, so that the memory does not grow with replies times vocabulary.

Legend of shape suffixes: B messages, T token positions, N tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from transformers import PreTrainedModel

from ...batching.batch import Sample, collate
from ...config.learner import LearnerConfig
from ...learner.logprobs import Scorer
from ...models.adapters import adapter_names
from .tokens import TokenScores

MESSAGES = 256
"""Messages that are laid side by side; changes memory alone."""


def score_replies(
    model: PreTrainedModel,
    samples: Sequence[Sample],
    temperature: float = 1.0,
    *,
    micro_batch_tokens: int = 4_096,
    on_scored: Callable[[int], None] | None = None,
) -> TokenScores:
    """Scores every token of the replies, in their order.

    Args:
        model: In eval mode; with adapters per role, each message is scored by that of its role, others by the first.
        samples: Replies with the ids of prompt and reply.
        temperature: Divides the logits; that of the policy in question.
        micro_batch_tokens: Padded tokens per forward pass: changes memory, not the result beyond rounding.
        on_scored: Called with the number of replies of every part that is done.

    Raises:
        ValueError: There are no replies, or one has no tokens or no prompt.
    """
    if not samples:
        raise ValueError("samples is empty: there is no reply to score.")
    if empty := [place for place, sample in enumerate(samples) if not sample.reply.token_ids]:
        raise ValueError(f"samples: reply {empty[0]} of {len(samples)} has no tokens; leave such replies out.")
    config = LearnerConfig(micro_batch_tokens=micro_batch_tokens)
    if len(adapter_names(model)) > 1:
        config = LearnerConfig(micro_batch_tokens=micro_batch_tokens, lora_rank=1, adapters="per-role")
    scorer = Scorer(model, config, temperature)
    entropies: list[np.ndarray] = []
    logprobs: list[np.ndarray] = []
    for start in range(0, len(samples), MESSAGES):
        part = samples[start : start + MESSAGES]
        batch = collate([_with_adapter(sample, adapter_names(model)) for sample in part])
        scores = scorer.score_batch(batch)
        assert scores.entropy_BT is not None
        entropies.append(scores.entropy_BT[batch.mask_BT].double().numpy())
        logprobs.append(scores.logprobs_BT[batch.mask_BT].double().numpy())
        if on_scored is not None:
            on_scored(len(part))
    lengths = [len(sample.reply.token_ids) for sample in samples]
    return TokenScores(np.concatenate(entropies), np.concatenate(logprobs), np.repeat(np.arange(len(samples)), lengths))


def _with_adapter(sample: Sample, names: Sequence[str]) -> Sample:
    """The reply as of a role that has an adapter, where roles have some."""
    known = len(names) < 2 or sample.tag.role in names
    return sample if known else replace(sample, tag=replace(sample.tag, role=names[0]))
