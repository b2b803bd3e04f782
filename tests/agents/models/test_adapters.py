from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from agents.algorithms.table import ALGORITHMS
from agents.config.learner import LearnerConfig
from agents.learner.learner import Learner
from agents.models.adapters import BASE, SHARED, adapter_names, check_adapter, trained_weights, use_adapter, with_lora
from tests.helpers.golden_batch import golden_batch
from tests.helpers.toys import build_model

LINEAR = 2 * 7
"""Two layers of q, k, v, o, gate, up and down; the head is tied and stays as it is."""


def test_an_adapter_on_every_linear_layer_of_the_decoder() -> None:
    model = with_lora(build_model(), LearnerConfig(lora_rank=3))
    weights = trained_weights(model)
    assert len(weights) == 2 * LINEAR
    assert all(p.dtype == torch.float32 for p in weights.values())
    # rank x (in + out): q 32 32, k v 32 16, o 32 32, gate up 32 64, down 64 32
    assert sum(p.numel() for p in weights.values()) == 2 * 3 * (64 + 48 + 48 + 64 + 96 + 96 + 96)
    assert not any("lm_head" in name or "embed" in name for name in weights)


def test_an_adapter_starts_as_no_change_and_scales_by_alpha_over_rank() -> None:
    ids = torch.tensor([[5, 6, 7]])
    plain = build_model()(input_ids=ids).logits
    model = with_lora(build_model(), LearnerConfig(lora_rank=2, lora_alpha=8))
    assert torch.equal(model(input_ids=ids).logits, plain)
    layer = model.get_base_model().model.layers[0].self_attn.q_proj
    with torch.no_grad():
        layer.lora_B["default"].weight.fill_(0.5)
    x = torch.randn(1, 32, generator=torch.Generator().manual_seed(0))
    a = layer.lora_A["default"].weight
    expected = x @ layer.base_layer.weight.T + 8 / 2 * (x @ a.T) @ torch.full((2, 32), 0.5)
    torch.testing.assert_close(layer(x), expected)
    # 0 takes twice the rank: a scale of 2
    assert with_lora(build_model(), LearnerConfig(lora_rank=4)).get_base_model().model.layers[0].mlp.up_proj.scaling == {
        "default": 2.0
    }


def test_the_random_half_depends_on_rank_and_name_alone() -> None:
    def first(*roles: str, rank: int = 2, seed: int = 0) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        config = LearnerConfig(lora_rank=rank, adapters="per-role" if roles else "shared")
        layer = with_lora(build_model(), config, roles).get_base_model().model.layers[0].self_attn.q_proj
        return {name: layer.lora_A[name].weight.detach() for name in layer.lora_A}

    assert torch.equal(first(seed=1)["default"], first(seed=2)["default"])
    one, other = first("proposer", "solver", seed=1), first("solver", "judge", seed=2)
    assert torch.equal(one["solver"], other["solver"])
    assert not torch.equal(one["proposer"], one["solver"])
    state = torch.get_rng_state()
    with_lora(build_model(), LearnerConfig(lora_rank=2))
    assert torch.equal(torch.get_rng_state(), state)


def test_adapters_per_role_need_roles() -> None:
    with pytest.raises(ValueError, match="adapters='per-role' needs the names of the roles; give the learner its `roles`"):
        with_lora(build_model(), LearnerConfig(lora_rank=2, adapters="per-role"))


def learner_of_roles(**more: object) -> Learner:
    config = LearnerConfig(lora_rank=2, adapters="per-role", lr=1e-2, warmup_steps=0, **more)  # type: ignore[arg-type]
    return Learner(build_model(), config, roles=("proposer", "solver"))


def test_all_adapters_train_whichever_is_active() -> None:
    learner = learner_of_roles()
    assert adapter_names(learner.model) == ("proposer", "solver")
    assert len(learner.trainable) == 2 * 2 * LINEAR
    assert {name for name in learner.trainable if ".solver." not in name and ".proposer." not in name} == set()


def test_a_role_that_said_nothing_keeps_its_adapter_and_the_base_never_moves() -> None:
    learner = learner_of_roles()
    before = {name: p.detach().clone() for name, p in learner.model.named_parameters()}
    learner.update(golden_batch().rows([2, 3, 4]), ALGORITHMS["grpo"])
    changed = {name for name, p in learner.model.named_parameters() if not torch.equal(p, before[name])}
    assert changed
    assert all(".solver." in name for name in changed)
    learner.update(golden_batch(), ALGORITHMS["grpo"])
    changed = {name for name, p in learner.model.named_parameters() if not torch.equal(p, before[name])}
    assert {part for name in changed for part in ("proposer", "solver") if part in name} == {"proposer", "solver"}
    assert all("lora" in name for name in changed)


def test_messages_are_scored_by_their_roles_adapter() -> None:
    learner, batch = learner_of_roles(), golden_batch()
    learner.update(batch, ALGORITHMS["grpo"])
    found = learner.logprobs(batch)
    for role, rows in (("proposer", [0, 1]), ("solver", [2, 3, 4, 5, 6])):
        with use_adapter(learner.model, role):
            for row in rows:
                ids, reply = batch.ids_BT[row][batch.attention_BT[row]], int(batch.mask_BT[row].sum())
                with torch.no_grad():
                    own = learner.model(input_ids=ids[None]).logits[0, -reply - 1 : -1].log_softmax(-1)
                expected = own.gather(-1, ids[-reply:, None])[:, 0]
                torch.testing.assert_close(found[row, -reply:], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("adapters", ["shared", "per-role"])
def test_adapters_of_a_bfloat16_model_are_bfloat16_and_add_up_in_float32(adapters: Literal["shared", "per-role"]) -> None:
    """A step of 1e-6 is far below what bfloat16 resolves in the random halves; masters add them up."""
    config = LearnerConfig(lora_rank=2, dtype="bfloat16", adapters=adapters, lr=1e-6, warmup_steps=0)
    learner = Learner(build_model(), config, roles=("proposer", "solver"))
    assert {p.dtype for p in learner.model.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in learner.trainable.values()} == {torch.float32}
    start = {name: p.detach().clone() for name, p in learner.trainable.items()}
    for _ in range(20):
        assert learner.update(golden_batch(), ALGORITHMS["grpo"])["grad_norm"] > 0
    own = dict(learner.model.named_parameters())
    assert len(start) == 2 * LINEAR * len(adapter_names(learner.model))
    for name, first in start.items():
        now = learner.trainable[name].detach()
        assert torch.equal(own[name], now.to(torch.bfloat16))
        assert 1e-5 < (now - first).abs().max() < 2.4e-5
        if "lora_A" in name:
            assert own[name].eq(first).float().mean() > 0.8


def test_a_run_in_bfloat16_goes_on_with_its_adapters_bit_for_bit() -> None:
    learners = [learner_of_roles(dtype="bfloat16") for _ in range(2)]
    for learner in learners:
        learner.update(golden_batch(), ALGORITHMS["grpo"])
    resumed = learner_of_roles(dtype="bfloat16")
    resumed.load_state_dict(learners[1].state_dict())
    for learner in (learners[0], resumed):
        learner.update(golden_batch(), ALGORITHMS["grpo"])
    theirs, mine = learners[0].trainable, resumed.trainable
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert all(torch.equal(p, q) for p, q in zip(learners[0].model.parameters(), resumed.model.parameters(), strict=True))


def test_without_adapters_every_weight_trains() -> None:
    model = build_model()
    assert trained_weights(model) == dict(model.named_parameters())
    assert all(isinstance(p, nn.Parameter) for p in trained_weights(model).values())


def kept_for_backward(model: PreTrainedModel) -> int:
    """Bytes that a forward pass keeps, its own weights not counted."""
    found = {p.untyped_storage().data_ptr(): (p.untyped_storage(), 0) for p in model.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        found.setdefault(storage.data_ptr(), (storage, storage.nbytes()))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(input_ids=torch.arange(4, 40)[None].repeat(8, 1))
    return sum(size for _, size in found.values())


def test_adapters_in_the_model_s_precision_keep_less_for_the_backward_pass() -> None:
    model = Learner(build_model(), LearnerConfig(lora_rank=2, dtype="bfloat16")).model
    own = kept_for_backward(model)
    for p in trained_weights(model).values():
        p.data = p.data.float()
    assert own < 0.75 * kept_for_backward(model)


def test_an_adapter_that_is_not_there_is_one_sentence() -> None:
    for adapter in (BASE, "solver"):
        check_adapter(adapter, ("proposer", "solver"))
    check_adapter(SHARED, ())
    with pytest.raises(ValueError, match="adapter='judge' is not among this model's proposer, solver"):
        check_adapter("judge", ("proposer", "solver"))
    for adapter in (BASE, "solver"):
        with pytest.raises(ValueError, match=f"adapter='{adapter}' needs LoRA"):
            check_adapter(adapter, ())
