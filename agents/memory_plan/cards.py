"""The fit of a run on a GPU: the learner beside the decoder, in the two moments in which memory is short.

    playing     the learner waits, the engine is awake, or keys and values of replies are here
    updating    the learner's peak, the engine asleep, or awake where it never sleeps

What the engine needs beside weights, keys and values is an estimate, as is what it keeps while it sleeps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..config.run import TrainConfig
from ..config.sampler import ENGINE_RANKS
from ..training.checks import Parts, asks_self, check_run
from .judge import JudgeMemory, judge_memory
from .learner import PROMPT_TOKENS, WIDE, WIDTHS, LearnerLoad, LearnerMemory, plan_learner
from .shapes import ModelShape, find_shape

GIB = 1 << 30
SPARE = 0.05
"""Share of a card that stays free, as estimates err."""
ASLEEP_BYTES = 5 * GIB // 2
"""Memory that a sleeping vLLM keeps: its context, its graphs, and what is not in its pool; 2 to 3 GiB."""
ENGINE_BYTES = 1 * GIB
"""Memory that an awake vLLM needs beside what is counted: context and graphs."""
BIG_CARD_GIB, BIG_BATCH, BATCH = 70, 16_384, 8_192
"""From that size on vLLM computes so many prompt tokens at a time, below it so many."""
LOGIT_COPIES = 4
"""Copies of every row's logits, float32, while an engine draws a token."""


@dataclass(frozen=True, slots=True)
class Card:
    """A kind of GPU: its name in shops, and the GiB that torch finds on the smallest of that name."""

    name: str
    gib: float


CARDS = (Card("24 GB", 22.0), Card("48 GB", 44.3), Card("80 GB", 79.1), Card("141 GB", 139.7))
"""L4 and RTX 4090, L40S and A6000, A100 and H100, H200."""


def card_here(device: str) -> Card | None:
    """The GPU that a run with that `device` would take; None where it would run on something else, or on none that is here."""
    import torch

    from ..hardware.memory import take_memory_in_segments

    name = "cuda" if device == "auto" else device
    if name.partition(":")[0] != "cuda" or not torch.cuda.is_available():
        return None
    take_memory_in_segments(name)  # the question below wakes the device, and then its allocator is settled
    try:
        device_here = torch.cuda.get_device_properties(torch.device(name))
    except (AssertionError, RuntimeError):  # cuda:7 of one, cuda:x: `agents.models.loading.pick_device` says so
        return None
    return Card("here", device_here.total_memory / GIB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """vLLM as a config sets it."""

    share: float
    """Share of the card."""
    sleeps: bool
    width: int
    """Bytes of its weights' numbers."""
    rows: int
    """Replies at once, at most."""
    longest: int
    """Tokens of prompt and reply, at most."""
    cache_bytes: int
    """Memory for keys and values, where that is set; else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Memory that a run needs on a GPU."""

    config: TrainConfig
    load: LearnerLoad
    learner: LearnerMemory
    engine: Engine | None
    """None: replies are decoded by the learner's own process."""
    rows: int
    """Replies that this process decodes at a time, for the run or for a frozen judge; 0: none."""
    judge: JudgeMemory

    @property
    def shape(self) -> ModelShape:
        """The sizes of the model."""
        return self.load.shape

    @property
    def apart(self) -> bool:
        """Whether the learner has a card of its own: the engine takes the first."""
        return self.engine is not None and self.config.device.partition(":")[2] not in ("", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A run on a card, in bytes."""

    card: Card
    playing: int
    updating: int
    engine: int
    """Memory of the engine; 0 without one."""
    cache_tokens: int
    """Tokens whose keys and values an engine can hold."""
    cache_wanted: int
    """Tokens of one longest message, without room for which vLLM does not start."""

    @property
    def room(self) -> float:
        """Memory of the card that may be used."""
        return (1 - SPARE) * self.card.gib * GIB

    @property
    def fits(self) -> bool:
        """Whether both moments fit, and a single reply."""
        return max(self.playing, self.updating) <= self.room and self.cache_tokens >= self.cache_wanted


def demand_of(config: TrainConfig, parts: Parts | None = None) -> Demand:
    """Memory that a run needs on a GPU.

    Args:
        config: Of the run.
        parts: Its parts by their names, where they are known.

    Raises:
        ModelUnavailable: The model's sizes are not known here.
        ValueError: As of `check_run`.
    """
    from ..config.sampler import SAMPLERS, parse_sampler

    parts = parts or check_run(config, read_tasks=False)
    shape = find_shape(config.model)
    name, options = parse_sampler(config.sampler)[0], getattr(SAMPLERS.find(config.sampler), "keywords", {})
    engine = _engine(config, shape, options) if name == "vllm" else None
    longest = engine.longest if engine else min(shape.context, config.sampling.max_new_tokens + PROMPT_TOKENS)
    full = not config.learner.lora_rank
    frozen = full and (bool(parts.schedule.frozen) or asks_self(config, parts.games.values()))
    reference = full and (parts.algorithm.wants_reference or frozen)
    lags = engine is None and (config.staleness > 0 or bool(options.get("copy")))
    load = LearnerLoad(
        shape=shape,
        config=config.learner,
        longest=longest,
        adapters=len(parts.roles) if config.learner.adapters == "per-role" else 1,
        panel=max(game.attempts for game in parts.games.values()),
        copies=int(reference) + int(lags),
        value_head="value_head" in parts.algorithm.needs,
    )
    episodes = {mix.game_name: mix.fresh + mix.replay + (mix.fixed if mix.task_source else 0) for mix in config.games}
    at_once = sum(count * parts.games[name].attempts for name, count in episodes.items())
    max_rows = config.max_rows if engine else int(options.get("max_rows", config.max_rows))  # of a frozen sampler: the run's
    rows = min(max_rows, at_once) if engine is None or frozen else 0
    judge = judge_memory(config)
    return Demand(config=config, load=load, learner=plan_learner(load), engine=engine, rows=rows, judge=judge)


def fit_on(demand: Demand, card: Card) -> Fit:
    """The memory of a run on a card."""
    learner, engine, decoding = demand.learner, demand.engine, decoding_bytes(demand)
    asked, resting = demand.judge.beside(learner=True)
    playing, updating = learner.resident + decoding + asked, learner.peak + resting
    if engine is None:
        lagging = decoding if demand.config.staleness else 0
        return Fit(card=card, playing=playing, updating=updating + lagging, engine=0, cache_tokens=0, cache_wanted=0)
    each, floor = demand.shape.cache_bytes(engine.width), engine_floor(demand, card)
    taken = floor + engine.cache_bytes if engine.cache_bytes else int(engine.share * card.gib * GIB)
    asked, resting = demand.judge.beside(learner=False)
    beside = ASLEEP_BYTES if engine.sleeps and not demand.config.staleness else taken
    return Fit(
        card=card,
        playing=max(playing, taken + asked) if demand.apart else playing + taken,
        updating=max(updating, beside + resting) if demand.apart else updating + beside,
        engine=taken,
        cache_tokens=max(0, taken - floor) // each,
        cache_wanted=engine.longest,
    )


def tokens_per_reply(demand: Demand) -> int:
    """Tokens of prompt and reply that this process holds keys and values of, for one reply."""
    return min(demand.shape.context, demand.config.sampling.max_new_tokens + PROMPT_TOKENS)


def decoding_bytes(demand: Demand) -> int:
    """Memory of this process to decode its own rows: keys and values, and the logits of one step."""
    logits = (WIDE + demand.load.width) * demand.shape.vocabulary
    return demand.rows * (tokens_per_reply(demand) * demand.shape.cache_bytes(demand.load.width) + logits)


def engine_floor(demand: Demand, card: Card) -> int:
    """Bytes that an engine takes before the first key: weights, room for adapters, one batch of prompts, logits, graphs."""
    engine, shape, config = demand.engine, demand.shape, demand.config.learner
    assert engine is not None
    rank = next((rank for rank in ENGINE_RANKS if config.lora_rank <= rank), config.lora_rank) if config.lora_rank else 0
    weights = engine.width * (shape.weights + demand.load.adapters * shape.adapter_weights(rank))
    batch = BIG_BATCH if card.gib >= BIG_CARD_GIB else BATCH
    states = batch * engine.width * (2 * shape.mlp_width + 4 * shape.width)
    return weights + states + LOGIT_COPIES * WIDE * engine.rows * shape.vocabulary + ENGINE_BYTES


def highest_share(demand: Demand, card: Card) -> float:
    """The largest share of a card, in steps of 0.05, that an engine can take with the run still fitting; 0: none."""
    if demand.engine is None:
        return 0.0
    for twentieths in range(18, 0, -1):
        if fit_on(with_share(demand, twentieths / 20), card).fits:
            return twentieths / 20
    return 0.0


def with_share(demand: Demand, share: float) -> Demand:
    """The same run with another share for its engine."""
    assert demand.engine is not None
    return replace(demand, engine=replace(demand.engine, share=share, cache_bytes=0))


def _engine(config: TrainConfig, shape: ModelShape, options: Mapping[str, Any]) -> Engine:
    from ..samplers.vllm.memory_share import SHARE, SHARE_WITH_SLEEP

    sleeps, dtype = bool(options.get("sleep")), str(options.get("dtype", "auto"))
    return Engine(
        share=float(options.get("gpu_memory_utilization") or (SHARE_WITH_SLEEP if sleeps else SHARE)),
        sleeps=sleeps,
        width=WIDTHS[config.learner.dtype if dtype == "auto" else dtype],
        rows=int(options.get("max_rows", config.max_rows)),
        longest=min(shape.context, int(options.get("max_model_len") or shape.context)),
        cache_bytes=math.floor(float(options.get("kv_cache_gib", 0)) * GIB),
    )
