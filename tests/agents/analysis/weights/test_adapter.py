from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel

from agents.analysis.weights.adapter import merge_adapter
from agents.analysis.weights.checkpoint import Checkpoint, open_checkpoint
from agents.analysis.weights.sources import MemoryTensor, read_all, size_of


def save_pair(folder: Path, model: Any, **settings: Any) -> dict[str, Tensor]:
    """Saves a model and a random adapter on it; returns the weights that peft merges."""
    model.save_pretrained(folder / "base")
    peft: Any = get_peft_model(model, LoraConfig(r=3, lora_alpha=8, **settings))
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in peft.named_parameters():
            if "lora_" in name or "modules_to_save" in name:  # small whole numbers: every way of merging gives the same bits
                weight.copy_(torch.randint(-3, 4, weight.shape, generator=rng) / 4)
    peft.peft_config["default"].base_model_name_or_path = str(folder / "base")
    peft.save_pretrained(folder / "adapter")
    return {name: weight.detach().clone() for name, weight in peft.merge_and_unload().state_dict().items()}


def assert_equal(found: Checkpoint, merged: dict[str, Tensor]) -> None:
    for name, source in found.tensors.items():
        wanted = next(tensor for other, tensor in merged.items() if other in (name, f"model.{name}", f"transformer.{name}"))
        torch.testing.assert_close(read_all(source), wanted)  # peft rounds the scaled product before it adds


def round_weights(model: Any) -> Any:
    """Weights that are multiples of 1/64, so that sums with the adapter are exact."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_((64 * weight).round() / 64)
    return model


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_merged_on_the_fly_as_peft_merges(tmp_path: Path, model: PreTrainedModel, ending: str) -> None:
    merged = save_pair(tmp_path, round_weights(model), target_modules="all-linear", modules_to_save=["norm"])
    if ending == "bin":
        path = tmp_path / "adapter" / "adapter_model.safetensors"
        torch.save(load_file(path), path.with_suffix(".bin"))
        path.unlink()
    base, found = open_checkpoint(str(tmp_path / "base")), open_checkpoint(str(tmp_path / "adapter"))
    assert_equal(found, merged)
    changed = {
        name for name, source in found.tensors.items() if not torch.equal(read_all(source), read_all(base.tensors[name]))
    }
    assert any("q_proj" in name for name in changed)
    assert "norm.weight" in changed  # saved whole
    assert "embed_tokens.weight" not in changed


def test_rank_stabilised_scale(tmp_path: Path, model: PreTrainedModel) -> None:
    merged = save_pair(tmp_path, model, target_modules=["q_proj"], use_rslora=True)
    assert_equal(open_checkpoint(str(tmp_path / "adapter")), merged)


def test_transposed_layers_and_tables_of_words(tmp_path: Path) -> None:
    """GPT-2 stores its linear layers transposed, and the product for an embedding is."""
    config = GPT2Config(n_embd=12, n_layer=2, n_head=2, vocab_size=20, n_positions=8)
    torch.manual_seed(0)
    merged = save_pair(
        tmp_path, round_weights(GPT2LMHeadModel(config)), target_modules=["c_attn", "c_proj", "wpe"], fan_in_fan_out=True
    )
    found = open_checkpoint(str(tmp_path / "adapter"))
    assert any(source.shape == (12, 36) for source in found.tensors.values())
    assert_equal(found, merged)


@pytest.mark.parametrize("width", [1, 5, 7, 13, 1000])
def test_rows_of_the_product_are_made_for_slices_of_any_size(tmp_path: Path, model: PreTrainedModel, width: int) -> None:
    """Whole numbers over 4 have exact products and sums, so that every slice must give the same bits."""
    save_pair(tmp_path, round_weights(model), target_modules=["q_proj", "down_proj"])
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 3}))  # scale 1
    source = next(one for name, one in open_checkpoint(str(tmp_path / "adapter")).tensors.items() if "down_proj" in name)
    out = torch.empty(size_of(source))
    for place in range(0, len(out), width):
        source.read_into(out[place : place + width], place)
    assert torch.equal(out.reshape(source.shape), read_all(source))


def write_adapter(folder: Path, tensors: dict[str, Tensor], **config: Any) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "lora_alpha": 2, **config}))
    save_file(tensors, folder / "adapter_model.safetensors")
    return folder


LORA = {
    "base_model.model.model.layers.0.q_proj.lora_A.weight": torch.tensor([[1.0, 2.0, 3.0]]),
    "base_model.model.model.layers.0.q_proj.lora_B.weight": torch.tensor([[1.0], [-1.0]]),
}
BASE = {"layers.0.q_proj.weight": MemoryTensor(torch.ones(2, 3))}


@pytest.mark.parametrize(("config", "scale"), [({}, 2), ({"use_rslora": True}, 2), ({"lora_alpha": 0.5}, 0.5)])
def test_the_change_by_hand(tmp_path: Path, config: dict[str, Any], scale: float) -> None:
    merged = merge_adapter(write_adapter(tmp_path / "a", LORA, **config), BASE)
    wanted = torch.tensor([[1 + scale, 1 + 2 * scale, 1 + 3 * scale], [1 - scale, 1 - 2 * scale, 1 - 3 * scale]])
    assert torch.equal(read_all(merged["layers.0.q_proj.weight"]), wanted)


def test_the_scale_is_alpha_over_rank_or_its_root(tmp_path: Path) -> None:
    wide = {name: torch.ones((4, 3) if ".lora_A." in name else (2, 4)) for name in LORA}
    for place, (config, scale) in enumerate((({}, 2 / 4), ({"use_rslora": True}, 2 / math.sqrt(4)))):
        merged = merge_adapter(write_adapter(tmp_path / str(place), wide, **config), BASE)
        assert read_all(merged["layers.0.q_proj.weight"]).tolist() == [[1 + 4 * scale] * 3] * 2


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"peft_type": "IA3"}, r"is an adapter of type IA3, and only LoRA is merged here: merge it with peft\.$"),
        ({"use_dora": True}, r"is a LoRA adapter with use_dora=True, which is not merged here"),
        ({"alpha_pattern": {"q_proj": 3}}, r"with alpha_pattern=\{'q_proj': 3\}, which is not merged here"),
        ({"lora_alpha": None}, r"adapter_config\.json has lora_alpha=None, which must be a number; copy the file again\.$"),
        ({"lora_alpha": "16"}, r"has lora_alpha='16', which must be a number"),
        ({"lora_alpha": True}, r"has lora_alpha=True, which must be a number"),
        ({"lora_alpha": math.nan}, r"has lora_alpha=nan, which must be a number"),
        ({"lora_alpha": 10**400}, r"has lora_alpha=10*, which must be a number"),
        ({"init_lora_weights": "pissa_niter_4"}, r"with init_lora_weights='pissa_niter_4', which is not merged here"),
    ],
)
def test_other_kinds_are_refused_in_one_sentence(tmp_path: Path, config: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        merge_adapter(write_adapter(tmp_path / "a", LORA, **config), BASE)


@pytest.mark.parametrize(
    ("tensors", "wanted"),
    [
        ({"model.x.lora_magnitude_vector": torch.ones(2)}, r"lora_magnitude_vector is of a kind that is not merged here"),
        ({"model.x.lora_A.weight": torch.ones(1, 3)}, r"adapts x\.weight, which its base does not hold; pass the base"),
        (
            {name: torch.ones(2, 0) if ".lora_B." in name else torch.ones(0, 3) for name in LORA},
            r"changes layers\.0\.q_proj\.weight by factors of 0 x 3 and 2 x 0, which are none of LoRA; copy the file again\.$",
        ),
        ({name: torch.tensor(1.0) for name in LORA}, r"by factors of no side and no side, which are none of LoRA"),
        ({name: torch.ones(1, 3) if ".lora_A." in name else torch.ones(2, 4) for name in LORA}, r"of 1 x 3 and 2 x 4, which"),
        (
            {name: torch.ones(2, 2) for name in LORA},
            r"changes layers\.0\.q_proj\.weight by a matrix of 2 x 2, and its base has 2 x 3; pass the base",
        ),
    ],
)
def test_adapters_of_another_base_are_refused_in_one_sentence(tmp_path: Path, tensors: dict[str, Tensor], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        merge_adapter(write_adapter(tmp_path / "a", tensors), BASE)


def test_an_adapter_without_a_base_asks_for_one(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a", LORA)
    with pytest.raises(ValueError, match=r"is an adapter whose config names no base; pass the base too \(--base MODEL\)\.$"):
        open_checkpoint(str(folder))
    save_file({"model.layers.0.q_proj.weight": torch.ones(2, 3)}, tmp_path / "base.safetensors")
    found = open_checkpoint(str(folder), base=str(tmp_path / "base.safetensors"))
    assert read_all(found.tensors["layers.0.q_proj.weight"])[0].tolist() == [3, 5, 7]


def test_settings_that_are_no_object_are_one_sentence(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a", LORA)
    for text in ("{", "[]", "null"):
        (folder / "adapter_config.json").write_text(text)
        with pytest.raises(ValueError, match=r"adapter_config\.json is no JSON object \(.*\); copy the file again\.$"):
            open_checkpoint(str(folder))


def test_adapters_that_are_their_own_base_are_one_sentence(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder, base in zip(folders, (folders[1], folders[0], folders[2]), strict=True):
        write_adapter(folder, LORA, base_model_name_or_path=str(base))
    wanted = r"^model='.*' is an adapter that is its own base; pass the model below it \(--base MODEL\)\.$"
    for name, base in (("a", ""), ("c", ""), ("c", str(tmp_path / "b" / ".." / "c"))):
        with pytest.raises(ValueError, match=wanted):
            open_checkpoint(str(tmp_path / name), base=base)
