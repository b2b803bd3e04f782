"""Sections `env` and `sdpa`: what the card is and does, and which of its attention kernels suits our shapes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from statistics import median
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.attention import SDPBackend
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from agents.kernels.packed_attention import Segments, Span, over_segments
from agents.models.loading import load_model

from .bench import Bench, Row, Values, cudnn_attention
from .machine import machine, versions

HEADS, KV_HEADS, HEAD_WIDTH = 32, 8, 128


def env(bench: Bench) -> Iterator[Row]:
    """The machine, how fast it multiplies and copies, and which kernel attention takes."""
    yield bench.arm({"what": "versions"}, versions)
    yield bench.arm({"what": "machine"}, partial(machine, bench))
    for dtype in (torch.bfloat16, torch.float32):
        yield bench.arm({"what": "products", "dtype": str(dtype)}, partial(_products, bench, dtype))
    yield bench.arm({"what": "copies"}, partial(_copies, bench))
    for call, on in product(_attention_calls(bench), (True, False)):
        yield bench.arm({"call": call, "cudnn": on}, partial(_kernel, bench, call, on))
    yield bench.arm({"what": "settings after load_model"}, partial(_settings, bench))


def _products(bench: Bench, dtype: torch.dtype) -> Values:
    size = 256 if bench.dry else 8192
    left, right = (torch.randn(size, size, device=bench.device).to(dtype) for _ in range(2))
    return {"tflops": 2 * size**3 / bench.seconds(lambda: left @ right, repeat=10) / 1e12}


def _copies(bench: Bench) -> Values:
    elements = 1 << (20 if bench.dry else 29)
    source = torch.zeros(elements, dtype=torch.bfloat16, device=bench.device)
    target = torch.empty_like(source)
    return {"gb_per_s": 2 * source.nbytes / bench.seconds(lambda: target.copy_(source), repeat=10) / 1e9}


def _attention_calls(bench: Bench) -> dict[str, Callable[[], tuple[tuple[Tensor, ...], dict[str, Any]]]]:
    """Arguments of attention as learner and sampler call it."""
    T = 64 if bench.dry else 1024
    q = torch.randn(2, HEADS, T, HEAD_WIDTH, device=bench.device, dtype=torch.bfloat16)
    kv = q[:, :KV_HEADS]
    keep = torch.ones(2, 1, T, T, dtype=torch.bool, device=bench.device)
    wide = q.float()
    return {
        "causal, grouped": lambda: ((q, kv, kv), {"is_causal": True, "enable_gqa": True}),
        "mask of bool": lambda: ((q, q, q), {"attn_mask": keep}),
        "mask of numbers": lambda: ((q, q, q), {"attn_mask": keep.to(q.dtype)}),
        "one query": lambda: ((q[:, :, :1], q, q), {"attn_mask": keep[:, :, :1]}),
        "float32, mask of bool": lambda: ((wide, wide, wide), {"attn_mask": keep}),
    }


def _kernel(bench: Bench, call: str, on: bool) -> Values:
    tensors, keywords = _attention_calls(bench)[call]()
    with cudnn_attention(on):
        choice: Any = vars(torch)["_fused_sdp_choice"]  # there is no public way to ask
        return {"kernel": SDPBackend(choice(*tensors, **keywords)).name}


def _settings(bench: Bench) -> Values:
    """What the package has set by itself; cuDNN's attention plans anew for every shape."""
    load_model("tiny", device=bench.device, short_cuts="none")
    return {
        "cudnn_attention": torch.backends.cuda.cudnn_sdp_enabled(),
        "float32_products": torch.get_float32_matmul_precision(),
        "allocator": os.environ.get("PYTORCH_ALLOC_CONF") or os.environ.get("PYTORCH_CUDA_ALLOC_CONF", ""),
    }


def sdpa(bench: Bench) -> Iterator[Row]:
    """Forward and backward by length, kind of mask and kernel; what a new shape costs; FlexAttention on a shared prompt."""
    lengths = (64,) if bench.dry else (1024, 4096, 8192, 14_336)
    for T, mask, on in product(lengths, ("causal", "bool", "numbers"), (True, False)):
        yield bench.arm({"T": T, "mask": mask, "cudnn": on}, partial(_attend, bench, T, mask, on), needs_gib=T / 1024)
    for length in lengths:
        setting = {"T": length, "what": "packed, shared prompt"}
        yield bench.arm(setting, partial(_packed, bench, length), needs_gib=length / 1024)
    for kind, on in product(("rows", "decoding"), (True, False)):
        yield bench.arm({"new shapes": kind, "cudnn": on}, partial(_new_shapes, bench, kind, on))
    yield bench.arm(
        {"T": 8192, "what": "flex, shared prompt"}, partial(_flex, bench, 8192), gpu_only="compiled for a GPU alone"
    )


def _qkv(bench: Bench, T: int) -> list[Tensor]:
    heads = 2 if bench.dry else HEADS
    shape = (1, heads, T, HEAD_WIDTH)
    return [torch.randn(shape, device=bench.device, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)]


def _attend(bench: Bench, T: int, mask: str, on: bool) -> Values:
    q, k, v = _qkv(bench, T)
    keep = torch.ones(T, T, dtype=torch.bool, device=bench.device).tril()[None, None]
    how: dict[str, Any] = {"is_causal": True} if mask == "causal" else {"attn_mask": keep}
    if mask == "numbers":
        zeros = torch.zeros(1, 1, T, T, device=bench.device, dtype=q.dtype)
        how = {"attn_mask": zeros.masked_fill_(~keep, float("-inf"))}
    with cudnn_attention(on):
        seconds = bench.seconds(lambda: F.scaled_dot_product_attention(q, k, v, **how).sum().backward())
    useful = 3.5 * 4 * T * T * q.shape[1] * HEAD_WIDTH / 2  # a causal mask needs half of all pairs, whatever a kernel computes
    return {"ms": seconds * 1e3, "useful_tflops": useful / seconds / 1e12, **bench.memory()}


def _spans(T: int) -> list[Span]:
    """A prompt of a quarter of a row of T positions, or a little more, and eight replies."""
    reply = (T - T // 4) // 8
    prompt = T - 8 * reply
    return [Span(0, prompt), *(Span(start, reply, 0, prompt) for start in range(prompt, T, reply))]


def _packed(bench: Bench, T: int) -> Values:
    """Eight replies that share a prompt, as the learner lays them out."""
    q, k, v = _qkv(bench, T)
    attend: Any = over_segments(cast(Any, sdpa_attention_forward))
    segments: list[Segments] = []

    def cut() -> None:
        segments[:] = [Segments.of(_spans(T), q.device, q.dtype)]

    def work() -> None:
        attend(nn.Module(), q, k, v, None, segments=segments[0], dropout=0.0)[0].sum().backward()

    return {"cut_ms": 1e3 * bench.seconds(cut), "ms": 1e3 * bench.seconds(work), **bench.memory()}


def _new_shapes(bench: Bench, kind: str, on: bool) -> Values:
    """Milliseconds of the first call with each of several shapes: as micro-batches have them, and steps of decoding."""
    step = 7 if kind == "rows" else 1
    first = 40 if bench.dry else 3000 if kind == "rows" else 300
    spent: list[float] = []
    with cudnn_attention(on):
        for T in range(first, first + 12 * step, step):
            rows, queries = (1, T) if kind == "rows" else (64, 1)
            heads = 2 if bench.dry else 24
            q = torch.randn(rows, heads, queries, HEAD_WIDTH, device=bench.device, dtype=torch.bfloat16)
            kv = torch.randn(rows, heads, T, HEAD_WIDTH, device=bench.device, dtype=torch.bfloat16)
            mask = torch.ones(rows, 1, queries, T, dtype=torch.bool, device=bench.device)
            for one in (q, kv):
                one.requires_grad_(kind == "rows")
            spent.append(1e3 * bench.seconds(partial(_once, q, kv, mask), repeat=1, warm=0))
    return {"first_ms": spent[0], "later_ms": median(spent[1:]), "most_ms": max(spent[1:])}


def _once(q: Tensor, kv: Tensor, mask: Tensor) -> None:
    found = F.scaled_dot_product_attention(q, kv, kv, attn_mask=mask)
    if found.requires_grad:
        found.sum().backward()


def _flex(bench: Bench, T: int) -> Values:
    """The same replies, in a kernel that is compiled for who sees whom."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    lengths = torch.tensor([span.length for span in _spans(T)])
    segment = torch.arange(9).repeat_interleave(lengths).to(bench.device)

    def seen(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return (i >= j) & ((segment[j] == 0) | (segment[j] == segment[i]))

    attend: Any = torch.compile(flex_attention, dynamic=True)
    block: Any = create_block_mask(seen, 1, None, T, T, device=bench.device)
    q, k, v = _qkv(bench, T)

    def work() -> None:
        attend(q, k, v, block_mask=block).sum().backward()

    compile_s = bench.seconds(work, repeat=1, warm=0)
    return {"compile_s": compile_s, "ms": 1e3 * bench.seconds(work), **bench.memory()}
