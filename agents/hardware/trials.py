"""Trials of the ways of computing that `agents.config.short_cuts` names: some milliseconds each, with a model's own shapes.

Both ways take turns, and the least seconds of each are compared: what else runs on the machine makes some turns slower, never
faster. What one thread does is measured in its own processor seconds, which do not count the others at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel

from ..kernels.cpu_attention import SHORT
from ..kernels.cpu_matmul import SMALL, BlockLinear, CpuLinear
from ..kernels.embedding_gradients import LARGE, DirectEmbedding, send_gradient
from ..kernels.token_logprobs import token_logprobs

CLEARLY = 1.1
"""Times that a way has to be faster to be taken."""
NOT_SLOWER = 0.8
"""The same of workers: beside busy processes they win nothing and lose nothing, and the others end some time."""
SMALL_MODEL = 1 << 24
"""Weights up to which a model's operations are too short to be shared by threads, which would wait for each other at every
one; instead they take batches of their own, each with its own gradient."""
LEARNED_ROWS, DECODED_ROWS = 1_024, 64
"""Positions of a micro-batch, and replies of a batch that is decoded by one token."""
LONGEST = 1 << 31
"""Multiplications of the largest product that is tried: what is larger gets fewer rows."""
TURNS, TURN_S = 9, 5e-4
"""Number of times that each way is tried, and the shortest duration of one."""
_fresh = count(1)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Sizes of a model that decide how long its operations take."""

    width: int
    inner: int
    heads: int
    head_width: int
    words: int
    weights: int

    @classmethod
    def of(cls, model: PreTrainedModel) -> Self:
        """The sizes of a causal LM; what its config does not say is guessed."""
        config = cast(Any, model.config).get_text_config()
        width = int(getattr(config, "hidden_size", 0) or 256)
        heads = int(getattr(config, "num_attention_heads", 0) or 4)
        return cls(
            width=width,
            inner=int(getattr(config, "intermediate_size", 0) or 4 * width),
            heads=heads,
            head_width=int(getattr(config, "head_dim", 0) or max(1, width // heads)),
            words=int(getattr(config, "vocab_size", 0) or 1),
            weights=sum(p.numel() for p in model.parameters()),
        )

    def rows(self, most: int) -> int:
        """So many, or as many as a trial has time for."""
        return max(1, min(most, LONGEST // (self.width * self.inner)))


def compare(plain: Callable[[], object], short: Callable[[], object], clock: Callable[[], float] | None = None) -> float:
    """The factor by which `short` is faster than `plain`: least seconds of a few turns each, after one that is not counted.

    Args:
        plain: Torch's own way.
        short: The other.
        clock: By default the processor seconds of this thread, where torch has one, else the clock on the wall.
    """
    clock = clock or (time.thread_time if torch.get_num_threads() == 1 else time.perf_counter)
    least = [float("inf"), float("inf")]
    for way in (plain, short):
        way()
    started = clock()
    plain()
    calls = max(1, int(TURN_S / max(clock() - started, 1e-7)))
    for _ in range(TURNS):
        for number, way in enumerate((plain, short)):
            started = clock()
            for _ in range(calls):
                way()
            least[number] = min(least[number], clock() - started)
    return least[0] / max(least[1], 1e-9)


def try_onednn(shapes: Shapes) -> float:
    """The geometric mean of two gains: of learning (a layer forwards and backwards), and of decoding (forwards, few rows).

    A step takes about as long for one as for the other. The smaller gain alone, near 1.14 on a processor where an update takes
    1.4 times as long without, would be lost in a busy machine's noise now and then.
    """
    gains = [_gain_of_onednn(shapes, LEARNED_ROWS, learns=True), _gain_of_onednn(shapes, DECODED_ROWS, learns=False)]
    known = [gain for gain in gains if gain]
    return prod(known) ** (1 / len(known)) if known else 1.0


def _gain_of_onednn(shapes: Shapes, most: int, *, learns: bool) -> float:
    """The gain of one kind of work; 0 where the products are too small for oneDNN, which then takes no part."""
    rows = shapes.rows(most)
    if rows * shapes.width * shapes.inner < SMALL:
        return 0.0
    plain, short = (_layer(kind, shapes) for kind in (nn.Linear, BlockLinear))
    x = torch.randn(rows, shapes.width, requires_grad=learns)
    return compare(lambda: _pass(plain, x), lambda: _pass(short, x))


def try_blocks(shapes: Shapes) -> float:
    """Numbers of rows that were never met before, which every turn brings, with and without filling them up."""
    most = shapes.rows(LEARNED_ROWS)
    if most * shapes.width * shapes.inner < 2 * SMALL:
        return 1.0

    def decode(kind: type[nn.Linear]) -> Callable[[], object]:
        layer = _layer(kind, shapes)
        return lambda: _pass(layer, torch.randn(most // 2 + next(_fresh) * 7 % (most // 2), shapes.width))

    return compare(decode(CpuLinear), decode(BlockLinear))


def try_attention(shapes: Shapes) -> float:
    """Attention of bfloat16, forwards and backwards, over half of what counts as short."""
    size = (2, shapes.heads, SHORT // 2, shapes.head_width)
    tensors = [torch.randn(size).bfloat16().requires_grad_() for _ in range(3)]

    def attend(query: Tensor, key: Tensor, value: Tensor) -> None:
        out = scaled_dot_product_attention(query, key, value, is_causal=True).to(torch.bfloat16)
        torch.autograd.grad(out, tensors, torch.ones_like(out))

    return compare(lambda: attend(*tensors), lambda: attend(*(tensor.float() for tensor in tensors)))


def try_tables(shapes: Shapes) -> float:
    """A word table that is both ends of a model, of a size that no cache holds; a gradient from each end."""
    if shapes.words * shapes.width < LARGE:
        return 1.0
    words = min(shapes.words, 4 * LARGE // shapes.width)
    ids = torch.arange(64) % words
    hidden = (torch.randn(64, shapes.width) / shapes.width).requires_grad_()  # words about as likely as each other

    def learn(layer: nn.Embedding) -> Callable[[], None]:
        def both_ends() -> None:
            logprob_N, _ = token_logprobs(hidden, layer.weight, ids, 1.0)
            torch.autograd.backward(logprob_N.sum() + layer(ids).sum())

        return both_ends

    plain, short = (kind(words, shapes.width) for kind in (nn.Embedding, DirectEmbedding))
    send_gradient(short.weight, nn.Parameter(short.weight.detach().clone()))
    return compare(learn(plain), learn(short))


def try_threads(shapes: Shapes, threads: int) -> float:
    """A layer forwards and backwards, with as many threads beside one; leaves torch with the threads it had."""
    before = torch.get_num_threads()
    layer, x = _layer(nn.Linear, shapes), torch.randn(shapes.rows(LEARNED_ROWS), shapes.width, requires_grad=True)

    def work(threads: int) -> Callable[[], None]:
        def one_pass() -> None:
            torch.set_num_threads(threads)
            _pass(layer, x)

        return one_pass

    try:
        return compare(work(1), work(threads), time.perf_counter)
    finally:
        torch.set_num_threads(before)


def try_workers(model: PreTrainedModel, workers: int) -> float:
    """Passes of the model itself, forwards and backwards, side by side; torch has one thread then."""
    torch.set_num_threads(1)
    ids = torch.zeros(8, DECODED_ROWS // 4, dtype=torch.long)
    weights = [weight for weight in model.parameters() if weight.requires_grad]

    def learn(passes: int) -> None:
        for _ in range(passes):
            torch.autograd.grad(model(input_ids=ids, use_cache=False).logits.sum(), weights, allow_unused=True)

    with ThreadPoolExecutor(workers) as pool:
        return compare(lambda: learn(workers), lambda: list(pool.map(learn, [1] * workers)), time.perf_counter)


def _layer(kind: type[nn.Linear], shapes: Shapes) -> nn.Linear:
    layer = nn.Linear(shapes.width, shapes.inner, bias=False)
    layer.__class__ = kind
    return layer


def _pass(layer: nn.Linear, x: Tensor) -> None:
    """Forwards, and backwards where the input wants it."""
    with torch.set_grad_enabled(x.requires_grad):
        out = layer(x)
        if x.requires_grad:
            torch.autograd.grad(out, (x, layer.weight), torch.ones_like(out))
