from __future__ import annotations

import copy
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from agents.algorithms.table import ALGORITHMS
from agents.config.learner import LearnerConfig
from agents.hardware.machine import use_short_cuts
from agents.kernels import embedding_gradients as direct_gradients
from agents.kernels.embedding_gradients import DirectEmbedding, add_tables_directly, direct_master
from agents.kernels.token_logprobs import token_logprobs
from agents.learner.learner import Learner
from agents.learner.master_weights import MasterWeights
from tests.helpers.golden_batch import golden_batch
from tests.helpers.toys import build_model

TABLE = "model.embed_tokens.weight"


def build(*, tied: bool, padding: int | None = None) -> PreTrainedModel:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=11,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
        pad_token_id=padding,
    )
    return LlamaForCausalLM(config).eval()


def backward(model: PreTrainedModel) -> None:
    """One micro-batch: tokens come in several times, 3 among them, and go out."""
    ids = torch.tensor([[3, 5, 3, 3, 9]])
    hidden_NH = cast(Any, model).model(input_ids=ids).last_hidden_state[0]
    logprob_N, _ = token_logprobs(hidden_NH, model.get_output_embeddings().weight, torch.tensor([5, 3, 3, 9, 1]), 0.7)
    (logprob_N.float() * torch.tensor([1.0, -2.0, 0.5, 3.0, 0.25])).sum().backward()


def gradients(model: PreTrainedModel, masters: dict[str, nn.Parameter], times: int) -> dict[str, Tensor]:
    for _ in range(times):
        backward(model)
    return {name: cast(Tensor, p.grad) for name, p in masters.items()}


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("padding", [None, 3])
def test_they_are_autograd_s(monkeypatch: pytest.MonkeyPatch, tied: bool, padding: int | None) -> None:
    monkeypatch.setattr(direct_gradients, "LARGE", 0)
    model = build(tied=tied, padding=padding).double()
    plain = copy.deepcopy(model)
    add_tables_directly(model, dict(model.named_parameters()))
    found, expected = (gradients(one, dict(one.named_parameters()), 2) for one in (model, plain))
    assert set(found) == set(expected)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-12, rtol=1e-12)
    row = found[TABLE][3]
    assert bool(row.any()) == (padding is None or tied)  # as input, padding learns nothing


def test_nothing_of_a_table_s_size_passes_through_autograd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct_gradients, "LARGE", 0)
    model = build(tied=True)
    seen: list[bool] = []
    table = cast(nn.Parameter, model.get_input_embeddings().weight)
    table.register_hook(lambda gradient: seen.append(gradient is not None))
    add_tables_directly(model, dict(model.named_parameters()))
    backward(model)
    kept = cast(Tensor, table.grad).data_ptr()
    backward(model)
    assert cast(Tensor, table.grad).data_ptr() == kept
    assert not any(seen)


def test_in_bfloat16_they_add_up_in_the_float32_master(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct_gradients, "LARGE", 0)
    model = build(tied=True).bfloat16()
    plain = copy.deepcopy(model)
    found = []
    for one, direct in ((model, True), (plain, False)):
        masters = MasterWeights(dict(one.named_parameters()))
        if direct:
            add_tables_directly(one, masters.weights)
        found.append(gradients(one, masters.weights, 3))
        assert all(p.grad is None for p in one.parameters())
    for name, gradient in found[1].items():
        assert found[0][name].dtype == torch.float32
        torch.testing.assert_close(found[0][name], gradient, atol=1e-3, rtol=2**-6)  # the plain way rounds each sum


def test_small_tables_copies_and_frozen_ones_take_the_usual_way() -> None:
    model = build(tied=True)
    add_tables_directly(model, dict(model.named_parameters()))
    table = cast(nn.Parameter, model.get_input_embeddings().weight)
    assert direct_master(table) is None
    setattr(table, direct_gradients._MASTER, table)
    assert direct_master(table) is table
    assert direct_master(copy.deepcopy(model).get_input_embeddings().weight) is None
    assert direct_master(table.requires_grad_(False)) is None


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_an_accelerator_a_learner_adds_them_directly(monkeypatch: pytest.MonkeyPatch, dtype: Any) -> None:
    """The meta device stands in for one; on a processor it takes a trial, which models that were not loaded never had."""
    monkeypatch.setattr(direct_gradients, "LARGE", 0)
    for device in ("cpu", "meta"):
        model = build_model().to(torch.device(device))
        learner = Learner(model, LearnerConfig(dtype=dtype))
        table = cast(nn.Parameter, model.get_input_embeddings().weight)
        assert direct_master(table) is (learner.trainable[TABLE] if device == "meta" else None)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_learner_takes_the_same_step(monkeypatch: pytest.MonkeyPatch, dtype: Any) -> None:
    monkeypatch.setattr(direct_gradients, "LARGE", 0)
    weights: list[dict[str, Tensor]] = []
    for tables in (1, 0):
        model = build_model()
        use_short_cuts(model, f"onednn=0,blocks=0,attention=0,tables={tables},threads=1,workers=1")
        learner = Learner(model, LearnerConfig(dtype=dtype, lr=1e-2, warmup_steps=0, micro_batch_tokens=40))
        assert type(learner.model.get_input_embeddings()) is (DirectEmbedding if tables else nn.Embedding)
        learner.update(golden_batch(), ALGORITHMS["grpo"])
        assert all(p.grad is None for p in learner.trainable.values())
        weights.append({name: p.detach().clone() for name, p in learner.trainable.items()})
    moved = (weights[1][TABLE] - build_model().state_dict()[TABLE]).abs().max()
    assert moved > 1e-3
    for name, weight in weights[1].items():
        close = (weights[0][name] - weight).abs() < (1e-5 if dtype == "float32" else 1e-3)
        assert close.float().mean() > (0.99 if dtype == "float32" else 0.9), name
