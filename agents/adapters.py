"""Adapters by name: which weights speak.

One base can hold an adapter for all roles, or one per role; with its adapters switched off it is frozen.

    SHARED    the one adapter of shared weights; on a model without adapters, its own weights
    BASE      the starting weights: adapters switched off (the frozen reference, without a second copy of the base)
    a role    that role's adapter, where `LearnerConfig.adapters` is per-role
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from transformers import PreTrainedModel

SHARED = "default"
"""As peft names a single adapter."""
BASE = "base"


def has_adapters(model: PreTrainedModel) -> bool:
    """Whether `model` is a peft model."""
    return hasattr(model, "peft_config")


def adapter_names(model: PreTrainedModel) -> tuple[str, ...]:
    """The adapters that `model` holds, in the order they were added."""
    return tuple(cast(Any, model).peft_config) if has_adapters(model) else ()


def merged_adapter(names: Sequence[str], answers: Sequence[str]) -> str:
    """Of a checkpoint's adapters the one that its `model/` speaks with: that of a role that answers, which evaluation asks.

    Args:
        names: Of all adapters, at least one.
        answers: The roles that answer in the run's games; see `selfplay_envs.registration.answering_roles`.

    Returns:
        The shared one, or that of the first answering role, or the first by name where no role answers.
    """
    return next((name for name in (*answers, SHARED) if name in names), min(names))


@contextmanager
def speaking_as(model: PreTrainedModel, adapter: str) -> Generator[None]:
    """Inside, `model` computes with that adapter; the one that was active before is restored.

    Raises:
        ValueError: The model has no adapter of that name, or no adapters and `adapter` is not `SHARED`.
    """
    peft: Any = model
    if not has_adapters(model):
        if adapter != SHARED:
            raise ValueError(
                f"adapter={adapter!r} needs LoRA, but this model trains all its weights; set LearnerConfig.lora_rank, "
                f"or use adapter={SHARED!r}."
            )
        yield
        return
    if adapter == BASE:
        with peft.disable_adapter():
            yield
        return
    if adapter not in peft.peft_config:
        raise ValueError(f"adapter={adapter!r} is not among this model's {', '.join(peft.peft_config)}.")
    before = peft.active_adapter
    if before == adapter:
        yield
        return
    peft.set_adapter(adapter)
    try:
        yield
    finally:
        peft.set_adapter(before)
