"""Section `parity`: the same numbers on processor and card, how far bfloat16 is off, and what happens where memory runs out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from agents import Learner, LearnerConfig, Sampling, TransformersSampler, find_algorithm, find_preset, load_model
from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.models.adapters import SHARED
from agents.models.smollm2 import find_gguf
from agents.models.weights import merged_weights
from agents.training.weight_sync import sync_check
from selfplay_envs import Message

from .bench import GIB, Bench, Row, Value, Values
from .work import random_batch, random_model

COMPARED = ("loss", "grad_norm", "entropy")
LONG = 3_000
"""A position where rounded frequencies are off by a large angle."""
OLD_TOLERANCE = 0.3
"""Nats that the largest gap of a check was once allowed."""
CHECK = 4
"""Replies of a sync check."""
RANK, STEPS = 8, 12
"""Of adapters whose steps are looked at."""
ROOM_GIB = 12
"""What a real failure of memory is left with."""


def parity(bench: Bench) -> Iterator[Row]:
    """Gaps between devices, precisions and runs, in nats; whether memory that ran out comes back."""
    yield bench.arm({"what": "float32, card and processor"}, partial(_devices, bench))
    yield bench.arm({"what": "an update twice"}, partial(_bits, bench))
    trained = "smollm2" if find_gguf() is not None else "tiny"
    for rank in (0, RANK):
        setting = {"what": "bfloat16, sampler and learner", "model": trained, "lora_rank": rank}
        yield bench.arm(setting, partial(_precision, bench, trained, rank))
    for rank in (0, RANK):
        yield bench.arm({"what": "frequencies of positions", "lora_rank": rank}, partial(_frequencies, bench, rank))
    for lr in (1e-6, 3e-5):
        yield bench.arm({"what": "of steps in bfloat16, adapters", "lr": lr}, partial(_shown, bench, lr))
    yield bench.arm({"what": "memory runs out, made believe"}, partial(_believed_out_of_memory, bench))
    only = "a processor's memory is not to be filled"
    yield bench.arm({"what": "memory runs out"}, partial(_out_of_memory, bench), needs_gib=ROOM_GIB, gpu_only=only)


def _learner(bench: Bench, config: LearnerConfig, name: str = "tiny", device: str = "") -> tuple[Learner, Any]:
    model, tokenizer = load_model(name, device=device or bench.device, short_cuts="none")
    return Learner(model, config, reply_limit=64), tokenizer


def _devices(bench: Bench) -> Values:
    """Log-probabilities and metrics of an update."""
    batch, row = random_batch(4, 60, (20, 60)), find_algorithm("trr++")
    here, there = (_learner(bench, LearnerConfig(), device=device)[0] for device in ("cpu", bench.device))
    found: dict[str, Value] = {"max_gap_nats": _largest(here.logprobs(batch) - there.logprobs(batch), batch)}
    ours, theirs = here.update(batch, row), there.update(batch, row)
    return found | {f"{name}_gap": abs(ours[name] - theirs[name]) for name in COMPARED}


def _bits(bench: Bench) -> Values:
    """Whether the same update gives the same bits."""
    batch, row = random_batch(4, 60, (20, 60)), find_algorithm("trr++")
    weights: list[Tensor] = []
    for _ in range(2):
        learner, _ = _learner(bench, LearnerConfig())
        learner.update(batch, row)
        weights.append(torch.cat([p.detach().flatten() for p in learner.trainable.values()]))
    return {"same_bits": torch.equal(*weights), "max_difference": float((weights[0] - weights[1]).abs().max())}


def _precision(bench: Bench, name: str, rank: int) -> Values:
    """What a sampler's log-probabilities differ by from a learner's with the same weights, and what sync checks make of it."""
    config = LearnerConfig(dtype="bfloat16", lora_rank=rank)
    learner, tokenizer = _learner(bench, config, name)
    sampler = TransformersSampler(learner.model, tokenizer)
    batch = _drawn(sampler, 16 if bench.dry else 256)
    gaps_BT = (learner.logprobs(batch) - batch.logprobs_BT).abs() * batch.mask_BT
    most_C = gaps_BT.amax(1).view(-1, CHECK).amax(1)
    said = sync_check(replace(find_preset("azr-tiny"), learner=config), tokenizer).check(learner, sampler)
    return {
        "mean_gap_nats": float(gaps_BT.sum() / batch.mask_BT.sum()),
        "max_gap_nats": float(gaps_BT.max()),
        "checks_above_0.3": float((most_C > OLD_TOLERANCE).float().mean()),
        **{name: float(value) for name, value in said.items()},
    }


def _drawn(sampler: TransformersSampler, replies: int) -> TokenBatch:
    """Replies of at most 12 tokens to one prompt."""
    [drawn] = sampler.generate([(Message("user", "Say something."),)], Sampling(max_new_tokens=12), [range(replies)])
    return collate([Sample(reply, 0.0, Tag(role="")) for reply in drawn], 0)


def _frequencies(bench: Bench, rank: int) -> Values:
    """What the learner's cast to bfloat16 does to the frequencies of rotary positions, and to a token far from the start."""
    model = random_model(bench, "135m", torch.float32)
    exact = {name: buffer.clone() for name, buffer in model.named_buffers() if name.endswith("inv_freq")}
    learner = Learner(model, LearnerConfig(dtype="bfloat16", lora_rank=rank), reply_limit=64)
    plain: PreTrainedModel = learner.model.get_base_model() if rank else learner.model  # pyright: ignore
    dtypes = {str(buffer.dtype) for name, buffer in plain.named_buffers() if name in exact}
    batch = random_batch(1, LONG, (20, 40), attempts=2)
    before_BT = learner.logprobs(batch)
    for name, buffer in exact.items():
        owner, _, own = name.rpartition(".")
        setattr(plain.get_submodule(owner), own, buffer)
    return {"dtype": ", ".join(sorted(dtypes)), "max_gap_nats": _largest(learner.logprobs(batch) - before_BT, batch)}


def _shown(bench: Bench, lr: float) -> Values:
    """Which share of what adapters learned a forward pass in bfloat16 shows: the projection on the change in float32."""
    batch = random_batch(2 if bench.dry else 32, 60, (20, 60))
    learners: list[Learner] = []
    for dtype in ("bfloat16", "float32"):
        model, _ = load_model("tiny", device=bench.device, dtype=torch.bfloat16, short_cuts="none")
        config = LearnerConfig(dtype=dtype, lora_rank=RANK, lr=lr, warmup_steps=0)
        learners.append(Learner(model if dtype == "bfloat16" else cast(Any, model).float(), config, reply_limit=64))
    coarse, exact = learners
    before = [learner.logprobs(batch)[batch.mask_BT] for learner in learners]
    for _ in range(2 if bench.dry else STEPS):
        coarse.update(batch, find_algorithm("trr++"))
    exact.load_state_dict(coarse.state_dict())
    shown_N, all_N = (one.logprobs(batch)[batch.mask_BT] - old for one, old in zip(learners, before, strict=True))
    share = float(shown_N @ all_N / (all_N @ all_N))
    noise_nats = float((shown_N - share * all_N).abs().mean())
    found = {"moved_nats": float(all_N.abs().mean()), "shown": share, "noise_nats": noise_nats}
    return {**found, "export_gap_nats": _export_gap(bench, coarse, exact, batch)}


def _export_gap(bench: Bench, learner: Learner, exact: Learner, batch: TokenBatch) -> float:
    """Mean gap between a learner in float32 and the plain model that is written for others, adapters merged in."""
    model, _ = load_model("tiny", device=bench.device, short_cuts="none")
    cast(Any, model).load_state_dict(merged_weights(learner.model, SHARED, learner.trainable))
    gap_BT = Learner(model, reply_limit=64).logprobs(batch) - exact.logprobs(batch)
    return float(gap_BT[batch.mask_BT].abs().mean())


def _believed_out_of_memory(bench: Bench) -> Values:
    """How many micro-batches were done for nothing, where the largest does not fit."""
    batch = random_batch(8, 20, (10, 100))
    config = LearnerConfig(micro_batch_tokens=512, share_prompts=False)
    learner = Learner(random_model(bench, "135m", torch.float32), config, reply_limit=128)
    longest, whole = int(batch.attention_BT.sum(1).max()), learner.scorer.budget.tokens

    def refuse(decoder: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        if learner.scorer.budget.tokens == whole and named["input_ids"].shape[1] >= longest:
            raise torch.OutOfMemoryError("made believe")

    hook = learner.model.get_decoder().register_forward_pre_hook(refuse, with_kwargs=True)
    found = _heeded(learner, batch)
    hook.remove()
    return found


def _out_of_memory(bench: Bench) -> Values:
    """A card that has ever less room than a micro-batch wants: the budget is halved, and the memory comes back."""
    model = random_model(bench, "135m")
    config = LearnerConfig(dtype="bfloat16", micro_batch_tokens=1 << 18)
    learner = Learner(model, config, reply_limit=1024)
    torch.cuda.set_per_process_memory_fraction(min(1.0, ROOM_GIB * GIB / (bench.total_gib * GIB)))
    try:
        return {**_heeded(learner, random_batch(64, 500, (200, 900))), **bench.memory()}
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def _heeded(learner: Learner, batch: TokenBatch) -> Values:
    """An update in which memory runs out: the micro-batches begun with the whole budget, the budget that sufficed, seconds."""
    whole = learner.scorer.budget.tokens
    budgets: list[int] = []
    learner.heed = lambda: budgets.append(learner.scorer.budget.tokens)
    started = time.perf_counter()
    metrics = learner.update(batch, find_algorithm("trr++"))
    seconds = time.perf_counter() - started
    first = budgets.count(whole) - 1  # it is also called once before the first
    return {"begun_in_vain": first, "halved_to": int(metrics.get("micro_batch_tokens", whole)), "s": seconds}


def _largest(gap_BT: Tensor, batch: TokenBatch) -> float:
    return float(gap_BT[batch.mask_BT].abs().max())
