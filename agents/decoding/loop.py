"""The decoding loop of transformers models: prompts are read in bounded pieces, then all rows get one token per step.

Legend of shape suffixes: U distinct prompts, B rows in flight, R all rows of the batch, T positions, S steps, V vocabulary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..config.sampling import Sampling
from .kv_cache import PreallocatedCache
from .one_token import OneToken
from .token_sampling import sample_tokens

FULL_ENOUGH = 0.95
"""Finished rows leave when at most this share goes on: a few calls per layer and a move per row save their tokens."""
PASS_COST = 16
"""Prompt tokens, on a CPU, that cost as much as one more forward pass: more padding than this is avoided by reading apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingBatch:
    """One batch of replies."""

    prompts: tuple[tuple[int, ...], ...]
    """Distinct prompts as token ids, sorted by length."""
    owners: tuple[int, ...]
    """Of each row, the place of its prompt; in ascending order."""
    limits: tuple[int, ...]
    """Of each row, tokens at most."""
    uniforms_RS: Tensor
    """The uniform behind each row's token of each step, float64."""


Completions = list[tuple[tuple[int, ...], tuple[float, ...]]]
"""Token ids and log-probabilities of each row."""


@torch.no_grad()
def decode(
    model: PreTrainedModel,
    batch: DecodingBatch,
    sampling: Sampling,
    *,
    ends: Collection[int],
    context: int,
    prefill_tokens: int,
    counts: Counter[str],
) -> Completions:
    """Samples every row's tokens, up to an end token or its limit.

    Args:
        model: A causal LM that takes `logits_to_keep`.
        batch: Prompts and rows.
        sampling: Temperature and top-p.
        ends: Token ids that end a reply; they are part of it.
        context: Positions the model knows.
        prefill_tokens: Prompt positions, padding included, per forward pass.
        counts: Gets prompt and reply slots and reply tokens; see `SamplerStats`.

    Raises:
        ValueError: The model's logits are not numbers.
    """
    device = model.device
    limit_R = torch.tensor(batch.limits, device=device)
    ends_E = torch.tensor(sorted(ends), device=device, dtype=torch.long)
    uniforms_RS = batch.uniforms_RS.to(device)
    steps = uniforms_RS.shape[1]
    width = len(batch.prompts[-1])
    room = width + steps
    logits_BV, cache = _read(model, batch, room, prefill_tokens, counts)
    length_B = torch.tensor([len(batch.prompts[owner]) for owner in batch.owners], device=device)
    seen_BT = torch.arange(room, device=device) >= (width - length_B)[:, None]
    live_B = torch.arange(len(batch.owners), device=device)
    done_B = torch.zeros_like(live_B, dtype=torch.bool)
    token_RS = torch.zeros_like(uniforms_RS, dtype=torch.long)
    logprob_RS = torch.zeros_like(uniforms_RS, dtype=torch.float32)
    length_R = limit_R.clone()
    one_token = OneToken.of(model, cache)
    for step in range(steps):
        token_B, logprob_B = sample_tokens(logits_BV, uniforms_RS[live_B, step], sampling)
        token_RS[live_B, step], logprob_RS[live_B, step] = token_B, logprob_B
        counts["reply_slots"] += len(live_B)
        over_B = ~done_B & (torch.isin(token_B, ends_E) | (limit_R[live_B] <= step + 1))
        length_R[live_B[over_B]] = step + 1
        done_B = done_B | over_B
        going = len(live_B) - int(done_B.sum())
        if not going:
            break
        if going <= FULL_ENOUGH * len(live_B):
            keep = cache.drop(done_B)
            live_B, token_B, length_B, done_B, seen_BT = (x[keep] for x in (live_B, token_B, length_B, done_B, seen_BT))
        position_B1 = (length_B + step)[:, None].clamp(max=context - 1)
        seen_so_far_BT = seen_BT[:, : width + step + 1]
        if one_token is None:
            logits_BV = _forward(model, token_B[:, None], seen_so_far_BT, position_B1, cache)
        else:
            logits_BV = one_token(token_B, position_B1, seen_so_far_BT, cache)
    counts["reply_tokens"] += int(length_R.sum())
    return _completions(length_R, token_RS, logprob_RS)


def _completions(length_R: Tensor, token_RS: Tensor, logprob_RS: Tensor) -> Completions:
    """The tokens of every row, without those behind its end.

    Raises:
        ValueError: A log-probability is no number.
    """
    if logprob_RS.isnan().any():
        raise ValueError(
            "the model's logits are not numbers: its weights hold NaN or infinity; go back to an earlier checkpoint."
        )
    rows = zip(length_R.tolist(), token_RS.tolist(), logprob_RS.tolist(), strict=True)
    return [(tuple(tokens[:length]), tuple(logprobs[:length])) for length, tokens, logprobs in rows]


def _read(
    model: PreTrainedModel, batch: DecodingBatch, room: int, budget: int, counts: Counter[str]
) -> tuple[Tensor, PreallocatedCache]:
    """Reads every prompt once, a few at a time; returns the logits behind each row's prompt, and the rows' cache."""
    joined = PreallocatedCache(model)
    cost = PASS_COST if model.device.type == "cpu" else budget  # a GPU is waiting for passes, not for tokens
    lengths = [len(ids) for ids in batch.prompts]
    groups = reading_groups(lengths, budget, cost) if joined.is_preallocated else [(0, len(lengths))]
    parts: list[PreallocatedCache] = []
    logits: list[Tensor] = []
    rows: list[Tensor] = []
    for first, last in groups:
        part = PreallocatedCache(model)
        logits_UV = _read_group(model, batch.prompts[first:last], part, budget, counts)
        part_rows = torch.tensor([owner - first for owner in batch.owners if first <= owner < last], device=model.device)
        parts.append(part)
        logits.append(logits_UV[part_rows])
        rows.append(part_rows)
    if len(parts) == 1:
        parts[0].select(rows[0], room)
        return logits[0], parts[0]
    joined.join(parts, rows, room)
    return torch.cat(logits), joined


def reading_groups(lengths: Sequence[int], budget: int, pass_cost: int) -> list[tuple[int, int]]:
    """Ranges of ascending lengths to read together.

    A range ends where its padded size would exceed `budget` tokens, or where the next prompt would pad it by more than
    `pass_cost` tokens.
    """
    groups: list[tuple[int, int]] = []
    first = 0
    for index in range(1, len(lengths) + 1):
        count = index - first
        if index < len(lengths):
            padding = count * (lengths[index] - lengths[index - 1])
            if (count + 1) * lengths[index] <= budget and padding <= pass_cost:
                continue
        groups.append((first, index))
        first = index
    return groups


def _read_group(
    model: PreTrainedModel, prompts: Sequence[tuple[int, ...]], cache: PreallocatedCache, budget: int, counts: Counter[str]
) -> Tensor:
    """Fills `cache` with left-padded prompts, a block of columns at a time; returns the logits behind each, (U, V)."""
    width = len(prompts[-1])
    ids_UT = torch.tensor([[0] * (width - len(ids)) + list(ids) for ids in prompts], device=model.device)
    pad_U = torch.tensor([width - len(ids) for ids in prompts], device=model.device)
    seen_UT = torch.arange(width, device=model.device) >= pad_U[:, None]
    position_UT = (seen_UT.long().cumsum(-1) - 1).clamp(min=0)
    counts["prompt_slots"] += ids_UT.numel()
    logits_UV = torch.empty(0)
    columns = max(1, budget // len(prompts))
    for start in range(0, width, columns):
        part = slice(start, start + columns)
        logits_UV = _forward(model, ids_UT[:, part], seen_UT[:, : part.stop], position_UT[:, part], cache)
    return logits_UV


def _forward(model: PreTrainedModel, ids_BT: Tensor, seen_BT: Tensor, position_BT: Tensor, cache: PreallocatedCache) -> Tensor:
    """Logits after the last token of every row, (B, V)."""
    out = model(
        input_ids=ids_BT,
        attention_mask=seen_BT.long(),
        position_ids=position_BT,
        past_key_values=cache.cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return out.logits[:, -1]
