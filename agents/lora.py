"""LoRA adapters on every linear layer, one for all roles or one for each: made, merged, written and read again.

Legend of shape suffixes: R rank, I inputs and O outputs of a linear layer.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
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
    """`model` with fresh adapters; each starts as no change, and its random half depends on rank and name alone.

    They have the model's own precision, so that nothing is cast back and forth: beside bfloat16 weights they show as much of
    what was learned as float32 ones do (it is the sum with the layer's output that rounds, in either case), and an update keeps
    a quarter less for its backward pass. What is learned adds up in float32: see `agents.master_weights`.

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


def trained_weights(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    """What the optimiser changes, by name: every adapter, active or not, or all weights of a model without adapters."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad or ".lora_" in name}


@torch.no_grad()
def merged_weights(model: PreTrainedModel, adapter: str, masters: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """The weights of the plain model that speaks as `model` does with `adapter`, by the plain model's names, on the CPU.

    What an adapter changes is summed, and stays, in float32: rounded to bfloat16 again, a weight keeps little of a change that
    is smaller than the distance of two such numbers, and after a short run that is nearly all of it. `model` stays as it is,
    and its device holds no more than one changed weight at a time.

    Args:
        model: Holds the adapter.
        adapter: Its name.
        masters: The adapters' weights in float32, by the names that they have in `model`; its own where they are left out.
    """
    from peft.tuners.lora import LoraLayer

    base: nn.Module = cast(Any, model).get_base_model()
    own = masters if masters is not None else dict(model.named_parameters())
    layers = {layer: name for name, layer in model.named_modules() if isinstance(layer, LoraLayer)}
    changed = {f"{name}.weight": layer for name, layer in base.named_modules() if layer in layers}
    found: dict[str, Tensor] = {}
    kept: dict[int, Tensor] = {}  # tied weights stay one tensor
    for name, weight in base.state_dict().items():
        plain = name.replace(".base_layer.", ".")
        if plain in changed:
            layer: Any = changed[plain]
            a_RI, b_OR = (own[f"{layers[layer]}.lora_{side}.{adapter}.weight"].to(weight.device) for side in "AB")
            change_OI = (_wide(b_OR) @ _wide(a_RI)) * layer.scaling[adapter]
            found[plain] = (_wide(weight) + (change_OI.T if layer.fan_in_fan_out else change_OI)).cpu()
        elif ".lora_" not in name:
            found[plain] = kept.setdefault(weight.data_ptr(), weight.detach().cpu())
    return found


def _wide(weight: Tensor) -> Tensor:
    """In float32, or float64 where it is."""
    return weight.to(torch.promote_types(weight.dtype, torch.float32))


@torch.no_grad()
def save_adapter(model: PreTrainedModel, name: str, folder: Path, masters: Mapping[str, Tensor] | None = None) -> None:
    """One adapter as peft reads it: `PeftModel.from_pretrained(base, folder)`; never looks at the network.

    Args:
        model: Holds the adapter.
        name: Of it.
        folder: Made; gets adapter_config.json and adapter_model.safetensors.
        masters: As for `merged_weights`; what is written has their precision.
    """
    from peft import get_peft_model_state_dict

    folder.mkdir(parents=True)
    peft: Any = model
    config = copy.copy(peft.peft_config[name])
    config.inference_mode = True
    config.save_pretrained(str(folder))
    own = None if masters is None else dict(masters)
    state = get_peft_model_state_dict(peft, state_dict=own, adapter_name=name, save_embedding_layers=False)
    save_file({key: value.cpu().contiguous() for key, value in state.items()}, folder / "adapter_model.safetensors")


def with_saved_adapters(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """`model` with every adapter in the folders of `folder`, by their names and in its precision; not for training.

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
                adapted = PeftModel.from_pretrained(model, str(one), adapter_name=one.name, autocast_adapter_dtype=False)
            else:
                adapted.load_adapter(str(one), adapter_name=one.name, autocast_adapter_dtype=False)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise CheckpointError(
                f"{one} does not fit the model that it is to be an adapter of ({reason}); load the one it was trained on."
            ) from error
    return cast(PreTrainedModel, adapted.eval())
