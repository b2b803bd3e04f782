"""All sections of `tests.benchmarks.gpu`, in the order in which they run."""

from __future__ import annotations

from .decode import decode
from .device import env, sdpa
from .engine import vllm
from .full import full
from .head import head
from .own_tests import own_tests
from .parity import parity
from .running import Section
from .updates import lora, lora8b

SECTIONS = (
    Section(
        name="env",
        run=env,
        part=1,
        estimate_s=10,
        measures="versions, TFLOP/s, GB/s, attention's kernel per kind of call",
        decides="whether cuDNN would be the default",
    ),
    Section(
        name="parity",
        run=parity,
        part=1,
        estimate_s=45,
        measures="processor and card in float32; equal bits; bfloat16 gaps; frequencies; memory that runs out",
        decides="tolerances of the sync check; whether the budget recovers",
    ),
    Section(
        name="head",
        run=head,
        part=1,
        estimate_s=30,
        measures="log-probabilities by chunk: ms, error, memory; a float32 product",
        decides="the chunk on a card",
    ),
    Section(
        name="decode",
        run=decode,
        part=1,
        estimate_s=60,
        measures="the transformers sampler, 135M, 256 replies: ms per step with cuDNN and without",
        decides="cuDNN while sampling; what vLLM is compared with",
    ),
    Section(
        name="sdpa",
        run=sdpa,
        part=1,
        estimate_s=90,
        measures="attention by length, mask and kernel; shared prompts; the first call of a shape",
        decides="the kernel; whether FlexAttention would pay",
    ),
    Section(
        name="tests",
        run=own_tests,
        part=1,
        estimate_s=120,
        measures="the project's tests of the learner with their toy model on the card",
        decides="where a device was forgotten",
    ),
    Section(
        name="lora",
        run=lora,
        part=2,
        estimate_s=100,
        measures="updates of a 3B model with adapters: s, tokens/s, GiB by setting",
        decides="the learner's defaults",
    ),
    Section(
        name="full",
        run=full,
        part=2,
        estimate_s=70,
        measures="updates of all weights of a 3B model, weights as files, a second process's 40 % of the card",
        decides="the memory table; whether an engine wakes",
    ),
    Section(
        name="lora8b",
        run=lora8b,
        part=2,
        estimate_s=80,
        measures="updates of an 8B model with adapters; messages of 14,000 tokens",
        decides="whether `azr-8b` fits 80 GB, and how long its step takes",
    ),
    Section(
        name="vllm",
        run=vllm,
        part=2,
        estimate_s=150,
        measures="start, tokens/s, gap to the learner, new weights, sleep and waking",
        decides="the engine's defaults",
    ),
)
