"""Sizes of models without loading one: equal to what transformers and peft build, number for number."""

import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from agents.config.learner import LearnerConfig
from agents.core.errors import ModelUnavailable
from agents.memory_plan.shapes import KNOWN_KINDS, PUBLISHED, ModelShape, find_shape, shape_of
from agents.models.adapters import with_lora
from agents.models.loading import load_model
from agents.tiny.folder import TINY_MODEL

TOTALS = {  # as the models' pages and their safetensors files state them
    "Qwen/Qwen3-8B-Base": 8_190_735_360,
    "Qwen/Qwen3-4B-Base": 4_022_468_096,
    "Qwen/Qwen3-1.7B-Base": 1_720_574_976,
    "Qwen/Qwen2.5-Coder-7B": 7_615_616_512,
    "Qwen/Qwen2.5-Coder-3B": 3_085_938_688,
    "Qwen/Qwen2.5-Coder-1.5B": 1_543_714_304,
    "meta-llama/Llama-3.2-3B-Instruct": 3_212_749_824,
    "meta-llama/Llama-3.2-1B-Instruct": 1_235_814_400,
    "smollm2": 134_515_008,
}


def config_of(shape: ModelShape) -> Any:
    return AutoConfig.for_model(
        shape.kind,
        num_hidden_layers=shape.layers,
        hidden_size=shape.width,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_width,
        intermediate_size=shape.mlp_width,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=shape.context,
    )


def built(config: Any) -> Any:
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_sizes_are_those_of_the_model_that_transformers_builds(name: str):
    shape = PUBLISHED[name]
    config = config_of(shape)
    assert shape_of(config) == shape
    assert shape.weights == sum(p.numel() for p in built(config).parameters()) == TOTALS[name]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("llama", {"attention_bias": True, "mlp_bias": True}),
        ("qwen3", {"attention_bias": True, "head_dim": 24}),
        ("smollm3", {"attention_bias": True, "mlp_bias": True, "pad_token_id": 0}),
        ("mistral", {"head_dim": 32, "tie_word_embeddings": False}),
        ("qwen2", {"tie_word_embeddings": True}),
    ],
)
def test_every_kind_is_counted_with_its_biases_norms_and_adapters(kind: str, more: dict[str, Any]):
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = AutoConfig.for_model(kind, **{**sizes, "num_hidden_layers": 3, "vocab_size": 50, **more})
    shape, model = shape_of(config), built(config)
    assert shape.weights == sum(p.numel() for p in model.parameters())
    adapted = with_lora(model, LearnerConfig(lora_rank=5))
    assert shape.adapter_weights(5) == sum(p.numel() for name, p in adapted.named_parameters() if ".lora_" in name)
    assert kind in KNOWN_KINDS


def test_keys_and_values_take_what_a_cache_of_transformers_takes():
    model, _ = load_model("tiny", device="cpu", short_cuts="none")
    cache = model(input_ids=torch.zeros(1, 7, dtype=torch.long), use_cache=True).past_key_values
    size = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
    assert size == 7 * find_shape("tiny").cache_bytes(4)
    assert PUBLISHED["Qwen/Qwen3-8B-Base"].cache_bytes(2) == 2 * 36 * 8 * 128 * 2


def test_sizes_come_from_folders_and_the_cache_and_never_from_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lookups: list[object] = []

    def refuse(*where: object, **_: object) -> None:
        lookups.append(where)
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # as it is where no test runs
    tiny = find_shape("tiny")
    assert tiny.weights == 910_464
    inside = tmp_path / "step_000001" / "model"
    inside.mkdir(parents=True)
    (inside / "config.json").write_bytes((TINY_MODEL / "config.json").read_bytes())
    assert find_shape(str(inside)) == find_shape(str(inside.parent)) == tiny
    cached = tmp_path / "hub" / "models--some--one"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("abc")
    (cached / "snapshots").mkdir()
    inside.rename(cached / "snapshots" / "abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert find_shape("some/one") == tiny
    with pytest.raises(ModelUnavailable, match=r"model='someone/else': its sizes are not known.*`hf download someone/else"):
        find_shape("someone/else")
    with pytest.raises(ModelUnavailable, match=r"name a folder that holds one, or choose one of Qwen"):
        find_shape(str(tmp_path / "nowhere"))
    assert not lookups


def test_a_model_of_another_make_is_not_guessed_at():
    with pytest.raises(ModelUnavailable, match="of type 'gpt2', whose memory is not counted here; those of type llama"):
        shape_of(AutoConfig.for_model("gpt2"), "openai/gpt2")
