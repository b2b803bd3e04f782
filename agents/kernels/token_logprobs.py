"""Log-probability and entropy of given tokens from hidden states, a few rows at a time: full logits never exist.

For 2,000 tokens and a vocabulary of 49,152 the logits, their log-softmax and its gradient are 1.2 GB in float32; here a chunk
of each is alive, and the backward pass computes it again: one more product with the output matrix.

Legend of shape suffixes: N tokens, H width, V vocabulary, C rows of a chunk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .cpu_matmul import times_transposed
from .embedding_gradients import direct_master, gradient_of

CHUNK_ELEMENTS = 1 << 23
"""Logits alive at a time: 32 MiB in float32; fewer make the output matrix's gradient pass through memory more often."""
ACCELERATOR_CHUNK_ELEMENTS = 1 << 27
"""The same on accelerators, 512 MiB: every chunk reads the whole output matrix, and below some 200 rows (of 152,000 words here
883) a large card waits for that more than it multiplies."""
WORD_BLOCK = 8_192
"""Rows of the output matrix's gradient that are added at a time."""
Times = Callable[[Tensor, Tensor], Tensor]
"""left (N, K), right (M, K) -> left @ right^T (N, M)."""


def token_logprobs(
    hidden_NH: Tensor,
    weight_VH: Tensor,
    token_N: Tensor,
    temperature: float,
    *,
    chunk_elements: int | None = None,
    one_dnn: bool = False,
) -> tuple[Tensor, Tensor]:
    """Log-probability of each token, and the exact entropy of its distribution, under softmax(hidden @ weight^T / temperature).

    Args:
        hidden_NH: Hidden states that predict the tokens.
        weight_VH: The output matrix, without bias.
        token_N: int64.
        temperature: Above 0.
        chunk_elements: Logits alive at a time; changes memory, not the result beyond rounding. None: as suits the device.
        one_dnn: Products go through `agents.kernels.cpu_matmul`, where that applies.

    Returns:
        logprob_N and entropy_N, float32 nats, both differentiable once in hidden states and weight.
    """
    if chunk_elements is None:
        chunk_elements = CHUNK_ELEMENTS if weight_VH.device.type == "cpu" else ACCELERATOR_CHUNK_ELEMENTS
    chunk = max(1, chunk_elements // weight_VH.shape[0])
    times = times_transposed if one_dnn else _plainly
    return cast(tuple[Tensor, Tensor], _TokenLogprobs.apply(hidden_NH, weight_VH, token_N, temperature, chunk, times))


class _TokenLogprobs(torch.autograd.Function):
    """With z = h W^T / temperature and p = softmax(z): d log p_y / dz = onehot(y) - p, dH / dz_v = -p_v (log p_v + H)."""

    @staticmethod
    def forward(
        ctx: Any, hidden_NH: Tensor, weight_VH: Tensor, token_N: Tensor, temperature: float, chunk: int, times: Times
    ) -> tuple[Tensor, Tensor]:
        logprobs, entropies, normalisers = [], [], []
        for hidden_CH, token_C in zip(hidden_NH.split(chunk), token_N.split(chunk), strict=True):
            logits_CV = _logits(hidden_CH, weight_VH, temperature, times)
            normaliser_C = torch.logsumexp(logits_CV, -1)
            logprobs.append(logits_CV.gather(-1, token_C[:, None])[:, 0] - normaliser_C)
            p_CV = (logits_CV - normaliser_C[:, None]).exp_()
            entropies.append(normaliser_C - torch.linalg.vecdot(p_CV, logits_CV))
            normalisers.append(normaliser_C)
        empty_N = hidden_NH.new_zeros(0, dtype=_wide(hidden_NH))
        logprob_N, entropy_N, normaliser_N = (torch.cat([empty_N, *parts]) for parts in (logprobs, entropies, normalisers))
        ctx.save_for_backward(hidden_NH, weight_VH, token_N, entropy_N, normaliser_N)
        ctx.temperature, ctx.chunk, ctx.master, ctx.times = temperature, chunk, direct_master(weight_VH), times
        return logprob_N, entropy_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator's type
        hidden_NH, weight_VH, token_N, entropy_N, normaliser_N = ctx.saved_tensors
        d_logprob_N, d_entropy_N = grads
        d_hidden_NH = torch.empty_like(hidden_NH)
        d_weight_VH: Tensor | None = None
        if ctx.needs_input_grad[1]:
            direct = ctx.master is not None
            d_weight_VH = gradient_of(ctx.master) if direct else torch.zeros_like(weight_VH, dtype=_wide(weight_VH))
        with_entropy = bool(d_entropy_N.any())
        for start in range(0, len(token_N), ctx.chunk):
            part = slice(start, start + ctx.chunk)
            logits_CV = _logits(hidden_NH[part], weight_VH, ctx.temperature, ctx.times)
            logprobs_CV = logits_CV.sub_(normaliser_N[part, None])
            p_CV = logprobs_CV.exp() if with_entropy else logprobs_CV.exp_()
            scale_C1 = d_logprob_N[part, None]
            if with_entropy:
                d_entropy_C1 = d_entropy_N[part, None]
                d_logits_CV = logprobs_CV.add_(entropy_N[part, None]).mul_(d_entropy_C1).add_(scale_C1).mul_(p_CV).neg_()
            else:
                d_logits_CV = p_CV.mul_(-scale_C1)
            d_logits_CV.scatter_add_(-1, token_N[part, None], scale_C1)
            d_logits_CV = d_logits_CV.div_(ctx.temperature).to(weight_VH.dtype)
            d_hidden_NH[part] = ctx.times(d_logits_CV, weight_VH.T)
            if d_weight_VH is not None:
                _add_product(d_weight_VH, d_logits_CV, hidden_NH[part], ctx.times)
        if d_weight_VH is not None:
            d_weight_VH = None if ctx.master is not None else d_weight_VH.to(weight_VH.dtype)
        return d_hidden_NH, d_weight_VH, None, None, None, None


def _add_product(total_VH: Tensor, d_logits_CV: Tensor, hidden_CH: Tensor, times: Times) -> None:
    """Adds d_logits^T @ hidden to the total, block by block: the whole product would be a second output matrix."""
    for start in range(0, total_VH.shape[0], WORD_BLOCK):
        words = slice(start, start + WORD_BLOCK)
        total_VH[words] += times(d_logits_CV[:, words].T, hidden_CH.T)


def _plainly(left_NK: Tensor, right_MK: Tensor) -> Tensor:
    return left_NK @ right_MK.T


def _logits(hidden_CH: Tensor, weight_VH: Tensor, temperature: float, times: Times) -> Tensor:
    """Hidden states @ weight^T / temperature, in float32 or wider."""
    wide = _wide(hidden_CH)
    if adds_in_float32(hidden_CH):
        logits_CV = torch.mm(hidden_CH, weight_VH.T, out_dtype=wide)
    else:
        logits_CV = times(hidden_CH, weight_VH).to(wide)
    return logits_CV if temperature == 1.0 else logits_CV.div_(temperature)


def adds_in_float32(tensor: Tensor) -> bool:
    """Whether the device hands out products of bfloat16 in float32, as they are summed: torch lets CUDA alone do so.

    Logits near 20 are rounded to multiples of 0.125 otherwise, and the copy in bfloat16 takes memory of its own.
    """
    half = tensor.dtype in (torch.bfloat16, torch.float16)
    return half and tensor.device.type == "cuda" and torch.version.hip is None


def _wide(like: Tensor) -> torch.dtype:
    """float32, or float64 where the model is."""
    return torch.promote_types(like.dtype, torch.float32)
