"""Section `decode`: the sampler on transformers, whose steps vLLM's are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

import torch

from agents import Sampling, TransformersSampler, load_model
from selfplay_envs import Message

from .bench import Bench, Row, Values, cudnn_attention
from .work import random_model

PROMPTS = 4


def decode(bench: Bench) -> Iterator[Row]:
    """Milliseconds of a step of a 135M model's replies, by dtype and attention kernel."""
    for dtype, on in product((torch.bfloat16, torch.float32), (True, False)):
        yield bench.arm({"dtype": str(dtype), "cudnn": on}, partial(_speak, bench, dtype, on))


def _speak(bench: Bench, dtype: torch.dtype, on: bool) -> Values:
    rows, steps = (8, 8) if bench.dry else (256, 96)
    _, tokenizer = load_model("tiny", device="cpu", short_cuts="none")
    sampler = TransformersSampler(random_model(bench, "135m", dtype), tokenizer, max_rows=rows)
    sampler.ends = frozenset()  # every reply has its full length
    prompts = [(Message("user", f"{'x' * 40}{index}"),) for index in range(PROMPTS)]
    seeds = [range(start, start + rows // PROMPTS) for start in range(0, rows, rows // PROMPTS)]

    def work() -> None:
        sampler.generate(prompts, Sampling(max_new_tokens=steps), seeds)

    with cudnn_attention(on):
        first_s = bench.seconds(work, repeat=1, warm=0)
        again_s = bench.seconds(work, repeat=1, warm=0)
    return {
        "first_ms_per_step": first_s / steps * 1e3,
        "ms_per_step": again_s / steps * 1e3,
        "tokens_per_s": rows * steps / again_s,
        **bench.memory(),
    }
