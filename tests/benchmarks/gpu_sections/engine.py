"""Section `vllm`: the sampler on vLLM beside a learner, where vLLM is installed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from typing import Any

from agents import Learner, LearnerConfig, Sampling, find_preset, load_model
from agents.batching.batch import Sample, Tag, collate
from agents.models.smollm2 import find_gguf
from agents.samplers.vllm.process import HOW_TO_INSTALL
from agents.samplers.vllm.sampler import VllmSampler
from agents.training.weight_sync import sync_check
from selfplay_envs import Message, Reply
from tests.helpers.weights import sync

from .bench import Bench, Row, Values
from .updates import ROW
from .work import random_batch, random_model

PROMPTS = 16
RANKS = (8, 0)
"""Of the learner's adapters: some, and none."""


@dataclass(slots=True)
class _Pair:
    """A learner and the sampler beside it."""

    bench: Bench
    learner: Learner
    tokenizer: Any
    sampler: VllmSampler
    replies: list[list[Reply]] = field(default_factory=list[list[Reply]])
    """Those drawn last."""


def vllm(bench: Bench) -> Iterator[Row]:
    """Start, speed, agreement, new weights, sleep and waking; adapters, then every weight."""
    if not bench.vllm_python and find_spec("vllm") is None:
        yield Row(setting={"what": "vllm"}, skipped=f"vLLM is not installed; {HOW_TO_INSTALL}")
        return
    for rank in RANKS:
        with ExitStack() as stack:
            pair = _open(bench, rank)
            stack.callback(pair.sampler.close)
            for what, work in (
                ("start", _start),
                ("speed", _speed),
                ("speed again", _speed),
                ("agreement", _agree),
                ("new weights", _sync),
                ("agreement after them", _agree),
                ("sleep", _sleep),
            ):
                row = bench.arm({"lora_rank": rank, "what": what}, partial(work, pair))
                yield row
                if what == "start" and row.failed:
                    return
    with ExitStack() as stack:  # what vLLM compiled is to be found again
        again = _open(bench, RANKS[-1])
        stack.callback(again.sampler.close)
        yield bench.arm({"lora_rank": RANKS[-1], "what": "a second start"}, partial(_start, again))


def _open(bench: Bench, rank: int) -> _Pair:
    real = "tiny" if bench.dry else "smollm2" if find_gguf() is not None else ""
    model, tokenizer = load_model(real or "tiny", device=bench.device, short_cuts="none")
    if not real:
        model = random_model(bench, "135m")
    dtype = "float32" if bench.dry else "bfloat16"
    learner = Learner(model, LearnerConfig(dtype=dtype, lora_rank=rank), reply_limit=1024)
    room: dict[str, Any] = {"kv_cache_gib": 0.5} if bench.dry else {"sleep": True}
    rows = 16 if bench.dry else 256
    sampler = VllmSampler(learner.model, tokenizer, python=bench.vllm_python, max_rows=rows, max_model_len=512, **room)
    sampler.ends = frozenset()
    return _Pair(bench, learner, tokenizer, sampler)


def _speak(pair: _Pair, rows: int, tokens: int) -> float:
    """Seconds in which so many replies of so many tokens are drawn."""
    prompts = [(Message("user", f"{'x' * 40}{index}"),) for index in range(PROMPTS)]
    seeds = [range(start, start + rows // PROMPTS) for start in range(0, rows, rows // PROMPTS)]
    started = time.perf_counter()
    pair.replies = pair.sampler.generate(prompts, Sampling(max_new_tokens=tokens), seeds)
    return time.perf_counter() - started


def _start(pair: _Pair) -> Values:
    return {"s": _speak(pair, PROMPTS, 1), "free_gib": pair.bench.free_gib}


def _speed(pair: _Pair) -> Values:
    rows, tokens = (PROMPTS, 8) if pair.bench.dry else (256, 256)
    seconds = _speak(pair, rows, tokens)
    return {"s": seconds, "tokens_per_s": rows * tokens / seconds, "ms_per_step": seconds / tokens * 1e3}


def _agree(pair: _Pair) -> Values:
    """Gaps between its log-probabilities and the learner's, and what the check of a run makes of them."""
    _speak(pair, PROMPTS, 12)
    batch = collate([Sample(reply, 0.0, Tag(role="")) for own in pair.replies for reply in own], 0)
    gap_N = (pair.learner.logprobs(batch) - batch.logprobs_BT).abs()[batch.mask_BT]
    said = sync_check(replace(find_preset("azr-tiny"), learner=pair.learner.config, sampler="vllm"), pair.tokenizer).check(
        pair.learner, pair.sampler
    )
    return {
        "mean_gap_nats": float(gap_N.mean()),
        "max_gap_nats": float(gap_N.max()),
        **{name: float(value) for name, value in said.items()},
    }


def _sync(pair: _Pair) -> Values:
    """An update, the weights handed over, and the first reply that is drawn with them."""
    pair.sampler.release_memory()
    pair.learner.update(random_batch(4, 60, (20, 60)), ROW)
    started = time.perf_counter()
    sync(pair.learner, pair.sampler)
    return {"handed_over_s": time.perf_counter() - started, "spoken_s": _speak(pair, PROMPTS, 1)}


def _sleep(pair: _Pair) -> Values:
    """What the engine gives back while it rests, and how long resting and waking take."""
    before_gib, started = pair.bench.free_gib, time.perf_counter()
    pair.sampler.release_memory()
    rest_s, asleep_gib = time.perf_counter() - started, pair.bench.free_gib
    woken_s = _speak(pair, PROMPTS, 1)
    return {"rest_s": rest_s, "given_back_gib": asleep_gib - before_gib, "woken_s": woken_s, "free_gib": pair.bench.free_gib}
