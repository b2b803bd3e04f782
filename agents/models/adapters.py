"""LoRA adapters on every linear layer: made, named, and chosen; with all of them switched off the model is the starting one.

One base can hold an adapter for all roles, or one per role:

    SHARED    the one adapter of shared weights; on a model without adapters, its own weights
    BASE      the starting weights: adapters switched off (the frozen reference, without a second copy of the base)
    a role    that role's adapter, where `LearnerConfig.adapters` is per-role
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import nn
from transformers import PreTrainedModel

from ..config.learner import LearnerConfig
from ..core.seeding import seed_of

SHARED = "default"
"""As peft names a single adapter."""
BASE = "base"


def with_lora(model: PreTrainedModel, config: LearnerConfig, roles: Sequence[str] = ()) -> PreTrainedModel:
    """`model` with fresh adapters; each starts as no change, and its random half depends on rank and name alone.

    They have the model's own precision, so that nothing is cast back and forth: beside bfloat16 weights they show as much of
    what was learned as float32 ones do (it is the sum with the layer's output that rounds, in either case), and an update keeps
    a quarter less for its backward pass. What is learned adds up in float32: see `agents.learner.master_weights`.

    Args:
        model: A causal LM without adapters.
        config: Rank, scale, and whether adapters are shared.
        roles: Names of the adapters, where they are per role.

    Raises:
        ValueError: Adapters per role, and no role is named.
    """
    from peft import LoraConfig, get_peft_model

    names = (SHARED,) if config.adapters == "shared" else tuple(roles)
    if not names:
        raise ValueError("LearnerConfig.adapters='per-role' needs the names of the roles; give the learner its `roles`.")
    rank = config.lora_rank
    lora = LoraConfig(
        r=rank, lora_alpha=config.lora_alpha or 2 * rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    adapted: Any = None
    for name in names:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of("lora", rank, *((name,) if name != SHARED else ())))
            if adapted is None:
                adapted = get_peft_model(model, lora, adapter_name=name, autocast_adapter_dtype=False)
            else:
                adapted.add_adapter(name, lora, autocast_adapter_dtype=False)
    adapted.set_adapter(names[0])
    return cast(PreTrainedModel, adapted.eval())


def has_adapters(model: PreTrainedModel) -> bool:
    """Whether `model` is a peft model."""
    return hasattr(model, "peft_config")


def adapter_names(model: PreTrainedModel) -> tuple[str, ...]:
    """The adapters that `model` holds, in the order they were added."""
    return tuple(cast(Any, model).peft_config) if has_adapters(model) else ()


def trained_weights(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """The parameters that the optimiser changes, by name: those of every adapter, active or not; all of a model without."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad or ".lora_" in name}


def check_adapter(adapter: str, names: Collection[str]) -> None:
    """Refuses an adapter that a model with the adapters `names` does not have.

    Raises:
        ValueError: It has no adapter of that name, or no adapters and `adapter` is not `SHARED`.
    """
    if not names:
        if adapter != SHARED:
            raise ValueError(
                f"adapter={adapter!r} needs LoRA, but this model trains all its weights; set LearnerConfig.lora_rank, "
                f"or use adapter={SHARED!r}."
            )
    elif adapter != BASE and adapter not in names:
        raise ValueError(f"adapter={adapter!r} is not among this model's {', '.join(names)}.")


@contextmanager
def use_adapter(model: PreTrainedModel, adapter: str) -> Generator[None]:
    """Inside, `model` computes with that adapter; the one that was active before is restored.

    Raises:
        ValueError: See `check_adapter`.
    """
    check_adapter(adapter, adapter_names(model))
    peft: Any = model
    if not has_adapters(model):
        yield
        return
    if adapter == BASE:
        with peft.disable_adapter():
            yield
        return
    before = peft.active_adapter
    if before == adapter:
        yield
        return
    peft.set_adapter(adapter)
    try:
        yield
    finally:
        peft.set_adapter(before)
