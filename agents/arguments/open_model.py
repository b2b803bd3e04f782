"""Opens the policy behind `--model`: a model, an endpoint, or a run, whose roles may have adapters of their own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..config.run import TrainConfig
from ..config.sampler import needs_model
from ..runs.adapters import adapter_folders, has_adapter_per_role
from ..runs.folder import find_model

if TYPE_CHECKING:  # it loads torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..samplers.base import Sampler


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedModel:
    """A policy that is ready to generate replies."""

    sampler: Sampler
    """For every role that is not in `by_role`."""
    by_role: Mapping[str, Sampler]
    """For roles that were trained with adapters of their own; closed with `sampler`."""
    reserved: Sequence[str]
    """Texts that no prompt may hold: the model's tokenizer reads them as special tokens."""
    notes: Sequence[str]
    """Sentences about which role has which weights, where that is not plain."""
    fingerprint: Callable[[], str]
    """Names weights, adapters and tokenizer by content, see `agents.models.fingerprint`; empty with an endpoint."""
    model: PreTrainedModel | None = None
    """With the adapters of `by_role`, if any; None with an endpoint."""
    tokenizer: PreTrainedTokenizerBase | None = None
    """None with an endpoint."""


def open_model(name: str, sampler: str, *, device: str = "auto", max_rows: int = 512, short_cuts: str = "auto") -> OpenedModel:
    """Loads torch, the model behind `name` and what computes its replies.

    Args:
        name: As `find_model` takes it; not read with an endpoint.
        sampler: As `TrainConfig.sampler`.
        device: Of the model.
        max_rows: Replies in flight.
        short_cuts: As `TrainConfig.short_cuts`.

    Raises:
        ModelUnavailable: The model is not on this machine; of a run with adapters per role, or on
            bfloat16 weights, the one that it started from.
        CheckpointError: Adapters do not fit that model.
    """
    from ..learner.master_weights import loading_dtype
    from ..models.chat_templates import special_tokens
    from ..models.fingerprint import fingerprint
    from ..models.loading import load_model
    from ..models.weights import with_saved_adapters
    from ..samplers.registry import open_sampler

    quiet_libraries()
    if not needs_model(sampler):
        remote = open_sampler(sampler, None, None, max_rows=max_rows)
        return OpenedModel(sampler=remote, by_role={}, reserved=(), notes=(), fingerprint=str)
    path, config = find_model(name)
    per_role = has_adapter_per_role(config)
    apart = config is not None and (per_role or _in_bfloat16(config))  # not merged into the model
    adapters = adapter_folders(Path(path)) if apart else []
    if config is not None and adapters:
        dtype = loading_dtype(config.learner)
        base, tokenizer = load_model(config.model, device=device, dtype=dtype, short_cuts=short_cuts)
        model = with_saved_adapters(base, adapters[0].parent)
    else:
        model, tokenizer = load_model(path, device=device, short_cuts=short_cuts)
    opened = open_sampler(sampler, model, tokenizer, max_rows=max_rows)
    return OpenedModel(
        sampler=opened,
        by_role={folder.name: opened.with_adapter(folder.name) for folder in adapters} if per_role else {},
        reserved=special_tokens(tokenizer),
        notes=(_adapters_note(name, [folder.name for folder in adapters]),) if per_role else (),
        fingerprint=partial(fingerprint, model, tokenizer),
        model=model,
        tokenizer=tokenizer,
    )


def _in_bfloat16(config: TrainConfig) -> bool:
    """Whether a run's adapters lie on bfloat16 weights: merged into float32, the model takes twice the memory it trained in."""
    return config.learner.lora_rank > 0 and config.learner.dtype == "bfloat16"


def _adapters_note(name: str, roles: Sequence[str]) -> str:
    """A sentence on which role has which weights, in a run whose roles have adapters of their own."""
    if not roles:
        return f"{name} is a run with an adapter per role, but its checkpoint, of an older version, holds one for all roles."
    return (
        f"{name} is a run with an adapter per role: {' and '.join(roles)} each have their own, other roles that of {roles[0]}."
    )


def quiet_libraries() -> None:
    """Keeps progress bars, retries of a silent hub, and warnings of long prompts, which are counted, out of the display."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    logging.getLogger("transformers.tokenization_utils_base").setLevel(logging.ERROR)
