"""LoRA adapters on every linear layer: one for all roles, or one for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .adapters import SHARED
from .learner_config import LearnerConfig
from .seeding import seed_of


def with_lora(model: PreTrainedModel, config: LearnerConfig, roles: Sequence[str] = ()) -> PreTrainedModel:
    """`model` with fresh adapters, float32; each starts as no change, and its random half depends on rank and name alone.

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
                adapted = get_peft_model(model, lora, adapter_name=name)
            else:
                adapted.add_adapter(name, lora)
    adapted.set_adapter(names[0])
    return cast(PreTrainedModel, adapted.eval())


def trained_weights(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """What the optimiser changes, by name: every adapter, active or not, or all weights of a model without adapters."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad or ".lora_" in name}


def merged_weights(model: PreTrainedModel, adapter: str) -> dict[str, Tensor]:
    """The weights of the plain model that speaks as `model` does with `adapter`, by the plain model's names, on the CPU.

    `model` stays as it is, and its device holds no more than one changed weight at a time.
    """
    from peft.tuners.lora import LoraLayer

    base: nn.Module = cast(Any, model).get_base_model()
    found: dict[str, Tensor] = {}
    kept: dict[int, Tensor] = {}  # tied weights stay one tensor
    for name, weight in base.state_dict().items():
        if ".lora_" not in name:
            found[name.replace(".base_layer.", ".")] = kept.setdefault(weight.data_ptr(), weight.detach().cpu())
    for name, layer in base.named_modules():
        if isinstance(layer, LoraLayer):
            with torch.no_grad():
                weight = cast(Any, layer).base_layer.weight
                found[f"{name}.weight"] = (weight + cast(Any, layer).get_delta_weight(adapter)).to(weight.dtype).cpu()
    return found
