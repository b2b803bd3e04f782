"""Opens what answers for `--model`: a model, an endpoint, or a run, whose roles may have adapters of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import TrainConfig
from ..sampler_text import needs_model
from .places import adapter_folders, per_role
from .runs import find_model
from .terminal import quiet_libraries

if TYPE_CHECKING:  # it loads torch
    from ..sampler import Sampler


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Who answers."""

    sampler: Sampler
    """In every role that is not in `by_role`."""
    by_role: Mapping[str, Sampler]
    """In roles that were trained with adapters of their own; closed with `sampler`."""
    reserved: Sequence[str]
    """Texts that it cannot be shown: its tokenizer reads them as special tokens."""
    notes: Sequence[str]
    """Sentences about who speaks with which weights, where that is not plain."""


def open_speaker(name: str, sampler: str, *, device: str = "auto", max_rows: int = 512, short_cuts: str = "auto") -> Speaker:
    """Loads torch, the model behind `name` and what computes its replies.

    Args:
        name: As `find_model` takes it; with an endpoint it is not looked at.
        sampler: As `TrainConfig.sampler`.
        device: Of the model.
        max_rows: Replies in flight.
        short_cuts: As `TrainConfig.short_cuts`.

    Raises:
        ModelUnavailable: The model is not on this machine; of a run with adapters per role, or on
            bfloat16 weights, the one that it started from.
        CheckpointError: Adapters do not fit that model.
    """
    from ..chat import special_tokens
    from ..lora import with_saved_adapters
    from ..master_weights import loading_dtype
    from ..models import load_model
    from ..samplers import open_sampler

    quiet_libraries()
    if not needs_model(sampler):
        return Speaker(sampler=open_sampler(sampler, None, None, max_rows=max_rows), by_role={}, reserved=(), notes=())
    path, config = find_model(name)
    own = per_role(config)
    adapters = adapter_folders(Path(path)) if config is not None and (own or _in_bfloat16(config)) else []
    if config is not None and adapters:
        dtype = loading_dtype(config.learner)
        base, tokenizer = load_model(config.model, device=device, dtype=dtype, short_cuts=short_cuts)
        model = with_saved_adapters(base, adapters[0].parent)
    else:
        model, tokenizer = load_model(path, device=device, short_cuts=short_cuts)
    opened = open_sampler(sampler, model, tokenizer, max_rows=max_rows)
    return Speaker(
        sampler=opened,
        by_role={folder.name: opened.speaking_as(folder.name) for folder in adapters} if own else {},
        reserved=special_tokens(tokenizer),
        notes=(_whose_adapters(name, [folder.name for folder in adapters]),) if own else (),
    )


def _in_bfloat16(config: TrainConfig) -> bool:
    """Whether a run's adapters sit on bfloat16 weights: merged into float32, the model takes twice the memory it trained in."""
    return config.learner.lora_rank > 0 and config.learner.dtype == "bfloat16"


def _whose_adapters(name: str, roles: Sequence[str]) -> str:
    """Who speaks with which weights, in a run whose roles have adapters of their own."""
    if not roles:
        return f"{name} is a run with an adapter per role, but its checkpoint, of an older version, holds one for all roles."
    return (
        f"{name} is a run with an adapter per role: {' and '.join(roles)} each speak with their own, other roles as {roles[0]}."
    )
