from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from agents.config.learner import LearnerConfig
from agents.models.adapters import adapter_names, trained_weights, use_adapter, with_lora
from agents.models.weights import base_weights, merged_weights, save_adapter, weights_of, with_saved_adapters
from tests.helpers.toys import build_model

LINEAR = 2 * 7
"""Two layers of q, k, v, o, gate, up and down."""


def shaken(dtype: torch.dtype, size: float = 0.1) -> PreTrainedModel:
    model = with_lora(build_model().to(dtype), LearnerConfig(lora_rank=2, adapters="per-role"), ["proposer", "solver"])
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in trained_weights(model).values():
            p.add_((torch.randn(p.shape, generator=rng) * size).to(dtype))
    return model


def test_merged_weights_are_those_of_peft_s_own_merge_and_leave_the_model_as_it_is() -> None:
    model = shaken(torch.float32)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    found = merged_weights(model, "solver")
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    expected = copy.deepcopy(model).merge_and_unload(adapter_names=["solver"]).state_dict()
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert found["lm_head.weight"] is found["model.embed_tokens.weight"]


def test_a_bfloat16_model_is_merged_in_float32() -> None:
    """Changes of 1e-4 of weights near 0.2, which are 2^-10 = 0.001 apart in bfloat16: rounded, nearly all of it were lost."""
    model = shaken(torch.bfloat16, 1e-4)
    found = merged_weights(model, "solver")
    layers = {name: layer for name, layer in model.get_base_model().named_modules() if hasattr(layer, "base_layer")}
    for name, layer in layers.items():
        base, a, b = (
            w.detach().float() for w in (layer.base_layer.weight, layer.lora_A.solver.weight, layer.lora_B.solver.weight)
        )
        assert found[f"{name}.weight"].dtype == torch.float32
        torch.testing.assert_close(found[f"{name}.weight"] - base, 2 * b @ a, rtol=1e-2, atol=1e-7)
        assert (base + 2 * b @ a).bfloat16().eq(base).float().mean() > 0.9
    assert len(layers) == LINEAR
    assert {w.dtype for name, w in found.items() if name.removesuffix(".weight") not in layers} == {torch.bfloat16}


def test_merged_and_saved_are_the_masters_where_there_are_any(tmp_path: Path) -> None:
    model = shaken(torch.bfloat16)
    masters = {name: p.detach().float() + 1e-5 for name, p in trained_weights(model).items()}
    save_adapter(model, "solver", tmp_path / "solver", masters)
    saved = load_file(tmp_path / "solver" / "adapter_model.safetensors")
    solver = {name.replace(".solver.", "."): weight for name, weight in masters.items() if ".solver." in name}
    assert set(saved) == set(solver)
    assert all(torch.equal(saved[name], solver[name]) for name in saved)
    wide = copy.deepcopy(model).float()
    wide.load_state_dict(masters, strict=False)
    found, expected = merged_weights(model, "solver", masters), merged_weights(wide, "solver")
    assert all(torch.equal(found[name].float(), expected[name]) for name in expected)
    assert not torch.equal(
        found["model.layers.0.mlp.up_proj.weight"], merged_weights(model, "solver")["model.layers.0.mlp.up_proj.weight"]
    )


def equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_weights_of_a_model_are_its_own_tensors_by_the_plain_model_s_names() -> None:
    model = shaken(torch.float32)
    weights = weights_of(model, 3)
    assert (weights.version, list(weights.adapters)) == (3, ["proposer", "solver"])
    assert weights.model is model
    assert equal(weights.base, build_model().state_dict())
    assert weights.base["lm_head.weight"] is weights.base["model.embed_tokens.weight"]
    with torch.no_grad():
        for p in model.parameters():
            p.add_(1.0)
    assert torch.equal(weights.base["model.norm.weight"], build_model().state_dict()["model.norm.weight"] + 1.0)
    assert not weights_of(build_model(), 0).adapters
    assert equal(base_weights(build_model()), build_model().state_dict())


def test_shipped_weights_are_a_value_of_their_own_that_can_be_pickled() -> None:
    model = shaken(torch.bfloat16)
    live = weights_of(model, 3)
    shipped = pickle.loads(pickle.dumps(live.shipped()))
    before = {name: dict(adapter.tensors) for name, adapter in copy.deepcopy(live.adapters).items()}
    with torch.no_grad():
        for p in model.parameters():
            p.add_(1.0)
    assert (shipped.version, shipped.model) == (3, None)
    assert equal(shipped.base, build_model().to(torch.bfloat16).state_dict())
    assert shipped.base["lm_head.weight"] is shipped.base["model.embed_tokens.weight"]
    assert list(shipped.adapters) == list(before)
    assert all(equal(shipped.adapters[name].tensors, before[name]) for name in before)
    assert live.shipped(only_adapters=True).base == {}


def test_weights_are_copied_in_place_and_into_nothing_else() -> None:
    for source, target in ((build_model(1), build_model(0)), (shaken(torch.float32), shaken(torch.float32, 0.3))):
        places = {name: p.data_ptr() for name, p in target.named_parameters()}
        weights_of(source, 1).shipped().copy_into(target)
        assert equal(dict(source.named_parameters()), dict(target.named_parameters()))
        assert {name: p.data_ptr() for name, p in target.named_parameters()} == places
    source, target = shaken(torch.float32), shaken(torch.float32, 0.3)
    with torch.no_grad():
        target.get_input_embeddings().weight.zero_()
    weights_of(source, 1).shipped(only_adapters=True).copy_into(target)
    assert equal(trained_weights(source), trained_weights(target))
    assert not target.get_input_embeddings().weight.any()
    with pytest.raises(ValueError, match=r"parameter 'base_model.*\(proposer\)' is not in both models with one shape"):
        weights_of(source, 1).copy_into(build_model())


def test_saved_adapters_are_read_as_they_were(tmp_path: Path) -> None:
    model = shaken(torch.float32)
    for name in adapter_names(model):
        save_adapter(model, name, tmp_path / name)
    loaded = with_saved_adapters(build_model(), tmp_path)
    ids = torch.tensor([[5, 6, 7]])
    for name in adapter_names(model):
        with use_adapter(model, name), use_adapter(loaded, name):
            assert torch.equal(model(input_ids=ids).logits, loaded(input_ids=ids).logits)
