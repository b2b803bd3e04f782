"""Section `head`: how many logits `token_logprobs` should hold at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor

from agents.kernels.token_logprobs import token_logprobs

from .bench import Bench, Row, Values

COMPARED = 64
"""Tokens that are also computed in float64."""


def head(bench: Bench) -> Iterator[Row]:
    """Chunks of log-probabilities, with the output matrix frozen and trained; and how exact float32 products would be."""
    powers = (8, 12, 16) if bench.dry else (23, 25, 27, 28)
    for trained, power in product((False, True), powers):
        yield bench.arm({"trained": trained, "log2 chunk": power}, partial(_chunked, bench, trained, 1 << power), needs_gib=12)
    for trained in (False, True):
        yield bench.arm({"trained": trained, "log2 chunk": "default"}, partial(_chunked, bench, trained, None), needs_gib=12)
    yield bench.arm({"what": "bfloat16 product"}, partial(_product, bench, torch.bfloat16))
    only = "a product with another dtype than its factors' is CUDA's"
    yield bench.arm({"what": "float32 product"}, partial(_product, bench, torch.float32), gpu_only=only)


def _inputs(bench: Bench) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states (N, H), output matrix (V, H) and tokens (N), whose logits are as wide as a trained model's."""
    V, H, N = (512, 64, 128) if bench.dry else (128_256, 3072, 8192)
    torch.manual_seed(0)
    hidden_NH = torch.randn(N, H, device=bench.device).to(torch.bfloat16)
    weight_VH = (torch.randn(V, H, device=bench.device) * 3 / H**0.5).to(torch.bfloat16)
    return hidden_NH, weight_VH, torch.randint(0, V, (N,), device=bench.device)


def _exact(hidden_NH: Tensor, weight_VH: Tensor, token_N: Tensor) -> Tensor:
    """Log-probabilities of the first tokens in float64."""
    logits_CV = hidden_NH[:COMPARED].double() @ weight_VH.double().T
    return torch.log_softmax(logits_CV, -1).gather(-1, token_N[:COMPARED, None])[:, 0]


def _chunked(bench: Bench, trained: bool, elements: int | None) -> Values:
    hidden_NH, weight_VH, token_N = _inputs(bench)
    exact_C = _exact(hidden_NH, weight_VH, token_N)
    hidden_NH.requires_grad_()
    weight_VH.requires_grad_(trained)
    own: Any = {} if elements is None else {"chunk_elements": elements}
    found: list[Tensor] = []

    def work() -> None:
        hidden_NH.grad = weight_VH.grad = None
        logprob_N, _ = token_logprobs(hidden_NH, weight_VH, token_N, 1.0, **own)
        logprob_N.sum().backward()
        found[:] = [logprob_N.detach()]

    bench.clean()
    seconds = bench.seconds(work, repeat=2)
    error = float((found[0][:COMPARED] - exact_C).abs().max())
    return {"ms": seconds * 1e3, "max_error_nats": error, **bench.memory()}


def _product(bench: Bench, dtype: torch.dtype) -> Values:
    """The product alone, a chunk of it, with logits in that dtype."""
    hidden_NH, weight_VH, token_N = _inputs(bench)
    chunk_CH = hidden_NH[:1024]
    exact_C = _exact(hidden_NH, weight_VH, token_N)

    def work() -> Tensor:
        return torch.mm(chunk_CH, weight_VH.T) if dtype == chunk_CH.dtype else torch.mm(chunk_CH, weight_VH.T, out_dtype=dtype)

    seconds = bench.seconds(work)
    logprobs_CV = torch.log_softmax(work()[:COMPARED].float(), -1)
    error = (logprobs_CV.gather(-1, token_N[:COMPARED, None])[:, 0] - exact_C).abs()
    return {"ms": seconds * 1e3, "max_error_nats": float(error.max()), "mean_error_nats": float(error.mean())}
