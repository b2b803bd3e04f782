from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from agents.algorithms.table import ALGORITHMS
from agents.config.learner import LearnerConfig
from agents.learner.learner import Learner
from agents.models.adapters import has_adapters
from agents.models.reference import Reference
from tests.helpers.golden_batch import golden_batch
from tests.helpers.toys import build_model

LORA = {"lora_rank": 2}
ROLES = {"lora_rank": 2, "adapters": "per-role"}
KL = ALGORITHMS["grpo"].configured({"kl_coef": 0.1})


def learner_of(**more: object) -> Learner:
    config = LearnerConfig(lr=1e-2, warmup_steps=0, **more)  # type: ignore[arg-type]
    return Learner(build_model(), config, roles=("proposer", "solver"))


@pytest.mark.parametrize("path", [{}, LORA, ROLES, {"dtype": "bfloat16"}, {"dtype": "bfloat16", **LORA}])
def test_the_reference_answers_as_the_start_did_bit_for_bit(path: dict[str, object]) -> None:
    learner, batch = learner_of(**path), golden_batch()
    start = learner.reference_logprobs(batch)
    # micro-batches of the learner hold one role where adapters do: then equal up to rounding only
    torch.testing.assert_close(start, learner.logprobs(batch), atol=1e-5 if path == ROLES else 0.0, rtol=0)
    for _ in range(3):
        learner.update(batch, KL)
    assert torch.equal(learner.reference_logprobs(batch), start)
    assert (learner.logprobs(batch) - start).abs().max() > 1e-2


@pytest.mark.parametrize("path", [LORA, ROLES])
def test_with_adapters_there_is_no_second_copy(path: dict[str, object]) -> None:
    learner = learner_of(**path)
    learner.update(golden_batch(), KL)
    assert learner.reference is not None
    with learner.reference.active() as model:
        assert model is learner.model
        ids = torch.tensor([[5, 6, 7]])
        assert torch.equal(model(input_ids=ids).logits, build_model()(input_ids=ids).logits)
    both = {id(p) for p in [*learner.model.parameters(), *learner.reference._model.parameters()]}
    assert len(both) == len(list(learner.model.parameters()))
    base = sum(p.numel() for name, p in learner.model.named_parameters() if "lora" not in name)
    assert base == sum(p.numel() for p in build_model().parameters())


def test_with_adapters_asking_late_is_not_too_late() -> None:
    learner, batch = learner_of(**LORA), golden_batch()
    start = learner.logprobs(batch)
    learner.update(batch, ALGORITHMS["grpo"])
    assert learner.reference is None
    learner.update(batch, KL)
    assert torch.equal(learner.reference_logprobs(batch), start)


def test_without_adapters_a_copy_is_made_and_nobody_changes_it() -> None:
    learner = learner_of()
    learner.update(golden_batch(), KL)
    assert learner.reference is not None
    with learner.reference.active() as model:
        assert model is not learner.model
        assert not has_adapters(model)
        assert not any(p.requires_grad for p in model.parameters())
        assert not model.training
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), build_model().parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(learner.model.parameters(), build_model().parameters(), strict=True))


def test_without_adapters_asking_late_is_too_late() -> None:
    learner = learner_of()
    learner.update(golden_batch(), ALGORITHMS["grpo"])
    with pytest.raises(ValueError, match=r"starting weights, and they have changed already; call Learner.keep_reference\(\)"):
        learner.update(golden_batch(), KL)
    kept = learner_of()
    kept.keep_reference()
    kept.update(golden_batch(), ALGORITHMS["grpo"])
    assert kept.update(golden_batch(), KL)["kl_reference"] >= 0


def test_the_first_update_is_at_the_reference() -> None:
    """Old log-probabilities that are the learner's own: no KL, and k3 adds nothing to loss or gradient."""
    learner, batch = learner_of(), golden_batch()
    batch = replace(batch, logprobs_BT=learner.logprobs(batch))
    assert learner.update(batch, KL)["kl_reference"] == 0
    assert learner.update(batch, KL)["kl_reference"] == 0  # the metric is that of the messages as they were sampled


def test_a_model_without_adapters_is_copied_and_one_with_adapters_is_not() -> None:
    model = build_model()
    assert Reference(model)._model is not model
    adapted = learner_of(**LORA).model
    assert Reference(adapted)._model is adapted
