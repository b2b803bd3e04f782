"""Replies to one prompt share it: a row holds the prompt once and then all its replies, hidden from each other.

A panel of 8 solvers otherwise computes its prompt 8 times; in `azr-tiny` sharing leaves 40 % of the tokens.

    columns        pad   prompt      reply 1    reply 2
    segment        -1    0 0 0 0     1 1 1      2 2
    position        0    0 1 2 3     4 5 6      4 5

Legend of shape suffixes: M messages, P packed rows, T positions, K last positions whose logits are computed, N sampled tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from .batch import TokenBatch
from .cpu_attention import SHORT_FLOAT32

SHARING_MODELS = frozenset({"llama", "mistral", "qwen2", "qwen3", "smollm3"})
"""Model types whose attention takes a mask per (query, key) and whose positions come from `position_ids` alone."""


def room_for_replies(prompt: int, width: int) -> float:
    """Reply tokens that a row takes on: sqrt(prompt (2 width + prompt)), which makes the cost per reply least.

    A row of k replies of r tokens costs about T 24 width in products and, dense masks skipping nothing and running at a third
    of the speed, T^2 12 in attention, per layer and unit of width, with T = prompt + k r. Its minimum over k is this k r.
    """
    return (prompt * (2 * width + prompt)) ** 0.5


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed micro-batch, and where the logits that predict each sampled token are found."""

    ids_PT: Tensor
    mask_P1TT: Tensor
    """True where a query may see a key."""
    position_PT: Tensor
    keep: int
    """K."""
    used: int
    """Positions that are not padding."""
    predictor_N: Tensor
    """Index into the logits flattened to (P * K,), in the order of `part.mask_BT`'s true entries."""


def can_share_prompts(model: PreTrainedModel) -> bool:
    """Whether packed rows give this model's own log-probabilities: known type, full attention everywhere, maskable kernel."""
    config = model.config
    layers = getattr(config, "layer_types", None)
    full = all(kind == "full_attention" for kind in layers) if layers else not getattr(config, "sliding_window", None)
    kernel = getattr(config, "_attn_implementation", None)
    return getattr(config, "model_type", "") in SHARING_MODELS and full and kernel in ("sdpa", "eager", SHORT_FLOAT32)


def prompt_groups(batch: TokenBatch, width: int) -> list[list[int]]:
    """Rows with equal prompts, split where their replies would exceed `room_for_replies` in a model of that width."""
    groups: list[list[int]] = []
    size: list[int] = []
    latest: dict[tuple[int, ...], int] = {}
    ids, real, replies = batch.ids_BT.tolist(), batch.attention_BT.sum(-1).tolist(), batch.mask_BT.sum(-1).tolist()
    columns = batch.ids_BT.shape[1]
    for row in range(len(batch)):
        prompt = tuple(ids[row][columns - real[row] : columns - replies[row]])
        group = latest.get(prompt)
        if group is None or size[group] + replies[row] > room_for_replies(len(prompt), width):
            latest[prompt] = group = len(groups)
            groups.append([])
            size.append(0)
        groups[group].append(row)
        size[group] += replies[row]
    return groups


def pack(part: TokenBatch, groups: Sequence[Sequence[int]]) -> Packed:
    """Packs the messages of `part`, one row per group of equal prompts, right-aligned."""
    real, reply = part.attention_BT.sum(-1).tolist(), part.mask_BT.sum(-1).tolist()
    prompt = [real[group[0]] - reply[group[0]] for group in groups]
    replies = [sum(reply[row] for row in group) for group in groups]
    width, keep = max(p + r for p, r in zip(prompt, replies, strict=True)), max(replies) + 1
    ids_PT = torch.zeros(len(groups), width, dtype=torch.long)
    position_PT = torch.zeros_like(ids_PT)
    segment_PT = torch.full_like(ids_PT, -1)
    first: list[list[int]] = [[] for _ in range(len(part))]
    for p, group in enumerate(groups):
        end = width - replies[p]
        source = part.ids_BT[group[0]]
        ids_PT[p, end - prompt[p] : end] = source[len(source) - real[group[0]] : len(source) - reply[group[0]]]
        position_PT[p, end - prompt[p] : end] = torch.arange(prompt[p])
        segment_PT[p, end - prompt[p] : end] = 0
        column = end
        for number, row in enumerate(group, 1):
            stop = column + reply[row]
            ids_PT[p, column:stop] = part.ids_BT[row, -reply[row] :]
            position_PT[p, column:stop] = torch.arange(prompt[p], prompt[p] + reply[row])
            segment_PT[p, column:stop] = number
            # the first token of a reply is predicted by the prompt's last, every other one by the token before it
            columns = [end - 1, *range(column, stop - 1)]
            first[row] = [p * keep + c - (width - keep) for c in columns]
            column = stop
    return Packed(
        ids_PT=ids_PT,
        mask_P1TT=segment_mask(segment_PT),
        position_PT=position_PT,
        keep=keep,
        used=sum(prompt) + sum(replies),
        predictor_N=torch.tensor([index for row in first for index in row]),
    )


def segment_mask(segment_PT: Tensor) -> Tensor:
    """Bool (P, 1, T, T): a query sees earlier keys of the prompt (segment 0) and of its own reply; padding sees itself only."""
    width = segment_PT.shape[1]
    causal_TT = torch.ones(width, width, dtype=torch.bool).tril()
    key_PT, query_PT = segment_PT[:, None, :], segment_PT[:, :, None]
    seen_PTT = causal_TT & (key_PT >= 0) & ((key_PT == 0) | (key_PT == query_PT))
    return (seen_PTT | torch.eye(width, dtype=torch.bool))[:, None]
