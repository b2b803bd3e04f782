"""A micro-batch in one row without padding: replies to one prompt share it, and are hidden from each other.

A panel of 8 solvers otherwise computes its prompt 8 times; in `azr-tiny` sharing leaves 40 % of the tokens.

    columns        prompt    message    reply 1    reply 2
    position       0 1 2 3   0 1 2      4 5 6      4 5

Legend of shape suffixes: T positions of the row, N sampled tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..kernels.packed_attention import NO_PROMPT, Segments, Span
from .batch import TokenBatch


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed micro-batch, and where the logits that predict each sampled token are found."""

    ids_1T: Tensor
    position_1T: Tensor
    segments: Segments
    predictor_N: Tensor
    """Columns, in the order of `part.mask_BT`'s true entries."""


def prompt_groups(batch: TokenBatch) -> list[list[int]]:
    """Rows with equal prompts, in the order of their first."""
    groups: dict[tuple[int, ...], list[int]] = {}
    ids, real, replies = batch.ids_BT.tolist(), batch.attention_BT.sum(-1).tolist(), batch.mask_BT.sum(-1).tolist()
    columns = batch.ids_BT.shape[1]
    for row in range(len(batch)):
        groups.setdefault(tuple(ids[row][columns - real[row] : columns - replies[row]]), []).append(row)
    return list(groups.values())


def pack(part: TokenBatch, device: torch.device, dtype: torch.dtype) -> Packed:
    """Packs the messages of `part`: prompts, and messages whose prompt nobody shares, then replies to shared prompts.

    Args:
        part: A micro-batch.
        device: Where the result lies.
        dtype: As for `agents.kernels.packed_attention.Segments`.
    """
    columns = part.ids_BT.shape[1]
    real, reply = part.attention_BT.sum(-1).tolist(), part.mask_BT.sum(-1).tolist()
    spans, ids, positions = list[Span](), list[Tensor](), list[Tensor]()
    predictors: dict[int, Sequence[int]] = {}

    def put(tokens: Tensor, prompt: Span = NO_PROMPT) -> Span:
        start = spans[-1].start + spans[-1].length if spans else 0
        spans.append(Span(start, len(tokens), prompt.start, prompt.length))
        ids.append(tokens)
        positions.append(torch.arange(prompt.length, spans[-1].keys))
        return spans[-1]

    replies: list[tuple[int, Span]] = []
    for group in prompt_groups(part):
        begin, end = columns - real[group[0]], columns - reply[group[0]]
        if len(group) > 1:
            prompt = put(part.ids_BT[group[0], begin:end])
            replies += [(row, prompt) for row in group]
        else:
            whole = put(part.ids_BT[group[0], begin:])
            first = whole.start + end - begin - 1
            predictors[group[0]] = range(first, first + reply[group[0]])
    for row, prompt in replies:
        span = put(part.ids_BT[row, columns - reply[row] :], prompt)
        # the first token of a reply is predicted by the prompt's last, every other one by the token before it
        predictors[row] = [prompt.start + prompt.length - 1, *range(span.start, span.start + span.length - 1)]
    return Packed(
        ids_1T=torch.cat(ids)[None].to(device),
        position_1T=torch.cat(positions)[None].to(device),
        segments=Segments.of(spans, device, dtype),
        predictor_N=torch.tensor([column for row in range(len(part)) for column in predictors[row]], device=device),
    )
