"""LoRA adapters on every linear layer, one for all roles or one for each: made, merged, written and read again."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from .adapters import SHARED
from .errors import CheckpointError
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


@torch.no_grad()
def save_adapter(model: PreTrainedModel, name: str, folder: Path) -> None:
    """One adapter as peft reads it: `PeftModel.from_pretrained(base, folder)`; never looks at the network.

    Args:
        model: Holds the adapter.
        name: Of it.
        folder: Made; gets adapter_config.json and adapter_model.safetensors.
    """
    from peft import get_peft_model_state_dict

    folder.mkdir(parents=True)
    peft: Any = model
    config = copy.copy(peft.peft_config[name])
    config.inference_mode = True
    config.save_pretrained(str(folder))
    state = get_peft_model_state_dict(peft, adapter_name=name, save_embedding_layers=False)
    save_file({key: value.cpu().contiguous() for key, value in state.items()}, folder / "adapter_model.safetensors")


def with_saved_adapters(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """`model` with every adapter in the folders of `folder`, by their names; for speaking, not for training.

    Args:
        model: The base that they were trained on.
        folder: Holds a folder per adapter, as `save_adapter` writes them.

    Raises:
        CheckpointError: There is none, or one does not fit the base.
    """
    from peft import PeftModel

    folders = sorted(path.parent for path in folder.glob("*/adapter_config.json"))
    if not folders:
        raise CheckpointError(f"{folder} holds no adapter; pass the folder adapters/ of a checkpoint of a run with LoRA.")
    adapted: Any = None
    for one in folders:
        try:
            if adapted is None:
                adapted = PeftModel.from_pretrained(model, str(one), adapter_name=one.name)
            else:
                adapted.load_adapter(str(one), adapter_name=one.name)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise CheckpointError(
                f"{one} does not fit the model that it is to be an adapter of ({reason}); load the one it was trained on."
            ) from error
    return cast(PreTrainedModel, adapted.eval())
