"""Remedies for a run that does not fit a GPU: every one is planned anew, and only one that fits is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..config.run import TrainConfig
from ..config.sampler import parse_sampler, with_options
from ..core.errors import ModelUnavailable
from ..training.checks import Parts
from .cards import GIB, Card, Fit, demand_of, fit_on, highest_share
from .judge import asleep
from .shapes import PUBLISHED, find_shape

LEAST_TOKENS = 1_024
"""Smallest micro-batch: less makes a GPU wait."""
LEAST_ROWS, LEAST_OWN_ROWS = 64, 16
"""Replies at a time, of an engine, whose memory hangs little on them, and of the learner's process, whose does."""
RANK = 32
FAR_TOO_MUCH = 1.1
"""Times a card's memory, from which a run is not only tight: what the plan estimates is seldom further off."""
Change = Callable[[TrainConfig], TrainConfig | None]
"""A run with one thing changed; None where there is nothing to change."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A changed run that fits, and what to type for it."""

    config: TrainConfig
    flags: str
    fit: Fit
    smaller_model: bool
    """Whether nothing less than another model helped."""


def find_remedy(config: TrainConfig, card: Card, parts: Parts) -> Remedy | None:
    """The least change of a run that makes it fit a card: cheap ones before those that change what is learned; None: none does.

    Args:
        config: Of a run that does not fit.
        card: The GPU.
        parts: Those that the config names.
    """
    for name in (config.model, *_smaller_models(config)):
        changed = _changed(replace(config, model=name), card, parts, CHANGES)
        if changed is not None:
            fit = fit_on(demand_of(changed, parts), card)
            return Remedy(changed, _flags(config, changed), fit, smaller_model=name != config.model)
    return None


def memory_notice(config: TrainConfig, parts: Parts, card: Card) -> str:
    """One sentence where a run is far too large for a card; empty where it may fit, or where its sizes are not known.

    Args:
        config: Of the run.
        parts: Those that it names.
        card: The one that it is going to run on.
    """
    try:
        demand = demand_of(config, parts)
    except ModelUnavailable:
        return ""
    fit = fit_on(demand, card)
    needed = max(fit.playing, fit.updating) / GIB
    if needed <= FAR_TOO_MUCH * card.gib and fit.cache_tokens >= fit.cache_wanted:
        return ""
    if needed > FAR_TOO_MUCH * card.gib:
        # what lies there all the time; micro-batches are halved where they do not fit, and replies seldom have all their length
        certain = (demand.learner.resident + fit.engine * (not demand.apart)) / GIB > FAR_TOO_MUCH * card.gib
        fails = "is going to fail" if certain else "may fail"
        short = f"about {needed:.1f} GiB of GPU memory are needed and {card.gib:.1f} are here, so this run {fails}"
    else:
        short = (
            f"of {card.gib:.1f} GiB the engine has room for keys and values of {fit.cache_tokens:,} tokens, and a message may "
            f"have {fit.cache_wanted:,}, so it is not going to start"
        )
    remedy = find_remedy(config, card, parts)
    what = f"with {remedy.flags} it would fit" if remedy else "choose a smaller --model"
    return f"{short[0].upper()}{short[1:]}; {what} (selfplay doctor --preset says why)."


def _smaller_models(config: TrainConfig) -> list[str]:
    """Published models with fewer weights: first those of the same family and training, and of them the largest first."""
    here = find_shape(config.model)

    def order(name: str) -> tuple[bool, bool, int]:
        shape = PUBLISHED[name]
        return ("Instruct" in name) != ("Instruct" in config.model), shape.kind != here.kind, -shape.weights

    return sorted((name for name, shape in PUBLISHED.items() if shape.weights < here.weights), key=order)


def _changed(config: TrainConfig, card: Card, parts: Parts, changes: Sequence[Change]) -> TrainConfig | None:
    """The run with as few of the changes, in their order, as make it fit; the last ones are tried to be left out first."""

    def settled(chosen: Sequence[Change]) -> TrainConfig | None:
        changed = config
        for change in chosen:
            changed = change(changed) or changed
        return _with_fitting_share(changed, card, parts)

    for count in range(len(changes) + 1):
        chosen = list(changes[:count])
        if settled(chosen) is None:
            continue
        for index in reversed(range(count - 1)):
            without = [*chosen[:index], *chosen[index + 1 :]]
            if settled(without) is not None:
                chosen = without
        return settled(chosen)
    return None


def _with_fitting_share(config: TrainConfig, card: Card, parts: Parts) -> TrainConfig | None:
    """The run, if it fits as it is or with a lower share for its engine."""
    demand = demand_of(config, parts)
    if fit_on(demand, card).fits:
        return config
    share = highest_share(demand, card)
    if not share:
        return None
    return _with_sampler(config, gpu_memory_utilization=f"{share:g}", kv_cache_gib=None)


def _sleep(config: TrainConfig) -> TrainConfig | None:
    engine = parse_sampler(config.sampler)[0] == "vllm"
    return _with_sampler(config, sleep="1") if engine and not config.staleness else None


def _sleeping_judge(config: TrainConfig) -> TrainConfig | None:
    text = None if config.staleness else asleep(config.judge)
    return replace(config, judge=text) if text else None


def _checkpointing(config: TrainConfig) -> TrainConfig:
    return replace(config, learner=replace(config.learner, gradient_checkpointing=True))


def _smaller_micro_batch(config: TrainConfig) -> TrainConfig | None:
    tokens = config.learner.micro_batch_tokens // 2
    return None if tokens < LEAST_TOKENS else replace(config, learner=replace(config.learner, micro_batch_tokens=tokens))


def _bfloat16(config: TrainConfig) -> TrainConfig:
    return replace(config, learner=replace(config.learner, dtype="bfloat16"))


def _adapters(config: TrainConfig) -> TrainConfig | None:
    return None if config.learner.lora_rank else replace(config, learner=replace(config.learner, lora_rank=RANK))


def _fewer_rows(config: TrainConfig) -> TrainConfig | None:
    name, options = parse_sampler(config.sampler)
    rows, least = int(options.get("max_rows", config.max_rows)), LEAST_ROWS if name == "vllm" else LEAST_OWN_ROWS
    return replace(_with_sampler(config, max_rows=None), max_rows=max(least, rows // 4)) if rows > least else None


def _shorter(config: TrainConfig) -> TrainConfig | None:
    """Half as long replies, and prompts: it changes what is learned."""
    sampling = replace(config.sampling, max_new_tokens=max(1, config.sampling.max_new_tokens // 2))
    changed = replace(config, sampling=sampling)
    limit = int(parse_sampler(config.sampler)[1].get("max_model_len", 0))
    return _with_sampler(changed, max_model_len=str(limit // 2)) if limit else changed


def _with_sampler(config: TrainConfig, **options: str | None) -> TrainConfig:
    return replace(config, sampler=with_options(config.sampler, options))


CHANGES: Sequence[Change] = (
    _sleep,
    _sleeping_judge,
    _checkpointing,
    *4 * (_smaller_micro_batch,),
    _bfloat16,
    _adapters,
    *3 * (_fewer_rows,),
    _shorter,
)
"""In the order in which they are tried: what costs time, then what changes what is learned, or how long it takes by far."""


def _flags(before: TrainConfig, after: TrainConfig) -> str:
    """Arguments of `selfplay train` that change the first run into the second."""
    pairs = {
        "--model": (before.model, after.model),
        "--learner.lora-rank": (before.learner.lora_rank, after.learner.lora_rank),
        "--learner.dtype": (before.learner.dtype, after.learner.dtype),
        "--learner.gradient-checkpointing": (before.learner.gradient_checkpointing, after.learner.gradient_checkpointing),
        "--learner.micro-batch-tokens": (before.learner.micro_batch_tokens, after.learner.micro_batch_tokens),
        "--max-rows": (before.max_rows, after.max_rows),
        "--sampling.max-new-tokens": (before.sampling.max_new_tokens, after.sampling.max_new_tokens),
        "--sampler": (before.sampler, after.sampler),
        "--judge": (before.judge, after.judge),
    }
    changed = ((flag, new) for flag, (old, new) in pairs.items() if new != old)
    return " ".join(flag if new is True else f"{flag} {new}" for flag, new in changed)
