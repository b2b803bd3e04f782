"""Sections `lora` and `lora8b`: seconds and memory of updates with adapters, by the settings that a learner could have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from agents import Learner, LearnerConfig, find_algorithm
from agents.batching.batch import TokenBatch
from agents.hardware.memory import free_cached_memory

from .bench import Bench, Row, Value, Values, cudnn_attention
from .planned import counted_gib, needed_gib, planned
from .work import config_of, random_batch, random_model

ROW = find_algorithm("trr++")
RANK = 32
TOKENS = 16_384
"""Of a micro-batch, with gradient checkpointing."""
FEW_TOKENS = 4_096
"""Of one without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """How a learner differs from its defaults."""

    name: str
    cudnn: bool = False
    share_prompts: bool = True
    checkpointing: bool = True
    tokens: int = TOKENS


LORA_3B = (
    Arm(name="defaults"),
    Arm(name="cuDNN attention", cudnn=True),
    Arm(name="32,768 tokens", tokens=32_768),
    Arm(name="prompts apart", share_prompts=False),
    Arm(name="activations kept", checkpointing=False, tokens=FEW_TOKENS),
)
LORA_8B = (Arm(name="defaults"), Arm(name="activations kept", checkpointing=False, tokens=FEW_TOKENS))


def lora(bench: Bench) -> Iterator[Row]:
    """A 3B model with adapters: each setting of a learner beside its defaults."""
    for arm in LORA_3B:
        yield from _updates(bench, "3b", arm)


def lora8b(bench: Bench) -> Iterator[Row]:
    """An 8B model with adapters, as `azr-8b` trains it, and the longest messages that it may meet."""
    for arm in LORA_8B:
        yield from _updates(bench, "8b", arm)


def batches(bench: Bench, kind: str, arm: Arm) -> dict[str, TokenBatch]:
    """What is learned from: twice the same shapes, then others; for an 8B model also two of the longest messages."""
    if bench.dry:
        found = {name: random_batch(2, 60, (20, 60), seed=seed) for name, seed in (("first", 0), ("again", 0), ("other", 1))}
        long = random_batch(1, 100, (150, 160), attempts=2)
    else:
        shapes = (("first", 0), ("again", 0), ("other", 1))
        found = {name: random_batch(6, 1200, (200, 1200), seed=seed) for name, seed in shapes}
        long = random_batch(1, 4900, (8000, 8096), attempts=2)
    return found | ({"longest": long} if kind == "8b" and arm.checkpointing else {})


def _updates(bench: Bench, kind: str, arm: Arm) -> Iterator[Row]:
    """Construction, then an update with each batch; the learner is gone afterwards."""
    learners: list[Learner] = []
    setting = {"model": kind, "arm": arm.name}
    given, config = batches(bench, kind, arm), config_for(bench, arm)
    needs_gib = needed_gib(config_of(bench, kind), config, given.values())
    yield bench.arm({**setting, "step": "learner"}, partial(_build, bench, kind, config, learners), needs_gib=needs_gib)
    for learner in learners:
        for name, batch in given.items():
            yield bench.arm({**setting, "step": name}, partial(_update, bench, arm, learner, batch))
        learners.clear()


def config_for(bench: Bench, arm: Arm) -> LearnerConfig:
    """Of the arm's learner."""
    return LearnerConfig(
        lora_rank=RANK,
        dtype="bfloat16",
        gradient_checkpointing=arm.checkpointing,
        micro_batch_tokens=arm.tokens // (16 if bench.dry else 1),
        share_prompts=arm.share_prompts,
        lr=1e-5,
    )


def _build(bench: Bench, kind: str, config: LearnerConfig, learners: list[Learner]) -> Values:
    work = partial(_append, learners, bench, kind, config)
    return {"s": bench.seconds(work, repeat=1, warm=0), **bench.memory()}


def _append(learners: list[Learner], bench: Bench, kind: str, config: LearnerConfig) -> None:
    learners.append(Learner(random_model(bench, kind), config, reply_limit=8096))


def _update(bench: Bench, arm: Arm, learner: Learner, batch: TokenBatch) -> Values:
    """Of one update, with the arm's kernels of attention."""
    with cudnn_attention(arm.cudnn):
        return update(bench, learner, batch)


def update(bench: Bench, learner: Learner, batch: TokenBatch) -> Values:
    """Seconds, tokens per second, micro-batches, the budget of one that sufficed, and memory of an update."""
    begun: list[int] = []
    learner.heed = lambda: begun.append(learner.scorer.budget.tokens)
    metrics: dict[str, float] = {}
    seconds = bench.seconds(lambda: metrics.update(learner.update(batch, ROW)), repeat=1, warm=0)
    found: dict[str, Value] = {
        "s": seconds,
        "tokens_per_s": metrics["tokens"] / seconds,
        "micro_batches": len(begun) - 1,  # it is also called once before the first
        "budget": learner.scorer.budget.tokens,
        "counted_gib": counted_gib(learner),
        **planned(learner, batch),
    }
    found |= bench.memory()
    free_cached_memory()
    return found | {f"emptied_{name}": value for name, value in bench.memory().items() if name == "reserved_gib"}
