"""Entropies of given tokens: against closed forms of a model whose logits are set by hand, and against the learner's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from agents.algorithms.table import find_algorithm
from agents.analysis.entropy.scoring import score_replies
from agents.batching.batch import Sample, collate
from agents.config.learner import LearnerConfig
from agents.learner.learner import Learner
from agents.models.adapters import use_adapter, with_lora
from tests.helpers.batches import build_gpt2, sample

PROBABILITIES = {
    "uniform": [1 / 8] * 8,
    "two points": [0.5, 0.5] + [0.0] * 6,
    "softmax": [1 / 8, 2 / 8, 5 / 8] + [0.0] * 5,
}


def constant_model(probabilities: list[float]) -> PreTrainedModel:
    """A model whose next token has these probabilities after whatever text: every layer is 0, the output matrix log p."""
    config = LlamaConfig(
        vocab_size=len(probabilities),
        hidden_size=4,
        intermediate_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=32,
        tie_word_embeddings=False,
        rms_norm_eps=0.0,
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name or "embed_tokens" in name else 0.0)
        logits = torch.tensor([math.log(p) if p else -200.0 for p in probabilities])
        model.lm_head.weight[:, 0] = logits
    return model


SAMPLES = [sample((1, 2), (0, 1, 0)), sample((3,), (1,)), sample((1, 2, 3, 4), (0, 0))]


@pytest.mark.parametrize("name", PROBABILITIES)
def test_closed_forms(name: str) -> None:
    probabilities = PROBABILITIES[name]
    found = score_replies(constant_model(probabilities), SAMPLES)
    expected = -sum(p * math.log(p) for p in probabilities if p)
    assert found.entropy_N == pytest.approx([expected] * 6, abs=1e-5)
    assert found.logprob_N == pytest.approx([math.log(probabilities[t]) for t in (0, 1, 0, 1, 0, 0)], abs=1e-5)
    assert found.message_N.tolist() == [0, 0, 0, 1, 2, 2]


def test_a_reply_without_tokens_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^samples: reply 1 of 3 has no tokens; leave such replies out\.$"):
        score_replies(constant_model(PROBABILITIES["uniform"]), [SAMPLES[0], sample((1, 2), ()), SAMPLES[1]])


def test_temperature_squares_the_probabilities_at_one_half() -> None:
    """1, 2, 5 of 8 become 1, 4, 25 of 30."""
    found = score_replies(constant_model(PROBABILITIES["softmax"]), SAMPLES, temperature=0.5)
    expected = -sum(p * math.log(p) for p in (1 / 30, 4 / 30, 25 / 30))
    assert found.entropy_N == pytest.approx([expected] * 6, abs=1e-5)


def test_they_are_the_learners_own(model: PreTrainedModel) -> None:
    """Means of an update's metrics, before it changed the weights."""
    samples = [sample((4, 5, 6), (7, 8), 1.0, task_type="x"), sample((4, 5, 6), (9, 10, 11), 0.0, task_type="x")]
    found = score_replies(model, samples, 0.8)
    metrics = Learner(model, LearnerConfig(lr=0.0), temperature=0.8).update(collate(samples), find_algorithm("reinforce"))
    assert found.entropy_N.mean() == pytest.approx(metrics["entropy"], abs=1e-5)
    assert -found.logprob_N.mean() == pytest.approx(metrics["entropy_sampled"], abs=1e-5)


def many(count: int) -> list[Sample]:
    rng = np.random.default_rng(0)
    return [
        sample(tuple(rng.integers(4, 40, rng.integers(1, 6)).tolist()), tuple(rng.integers(4, 40, rng.integers(1, 9)).tolist()))
        for _ in range(count)
    ]


@pytest.mark.parametrize("head", ["plain", "other"])
def test_the_size_of_micro_batches_changes_nothing(model: PreTrainedModel, head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    used, samples = model if head == "plain" else build_gpt2(), many(20)
    whole = score_replies(used, samples)
    for tokens in (1, 20, 100):
        part = score_replies(used, samples, micro_batch_tokens=tokens)
        assert part.entropy_N == pytest.approx(whole.entropy_N, abs=1e-5)
        assert part.logprob_N == pytest.approx(whole.logprob_N, abs=1e-5)
    monkeypatch.setattr("agents.analysis.entropy.scoring.MESSAGES", 3)
    done: list[int] = []
    part = score_replies(used, samples, on_scored=done.append)
    assert part.entropy_N == pytest.approx(whole.entropy_N, abs=1e-5)
    assert done == [3, 3, 3, 3, 3, 3, 2]
    assert np.ptp(whole.entropy_N) > 0.1


def test_each_role_is_scored_by_its_own_adapter(model: PreTrainedModel) -> None:
    adapted = with_lora(model, LearnerConfig(lora_rank=2, adapters="per-role"), ["proposer", "solver"])
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if ".lora_B.solver" in name:
                weight.normal_(0, 0.5, generator=torch.Generator().manual_seed(0))
    texts = [((4, 5), (6, 7)), ((8, 9), (10, 11))]
    alone = {}
    for role in ("proposer", "solver"):
        with use_adapter(adapted, role):
            alone[role] = score_replies(adapted, [sample(*text, role=role) for text in texts]).entropy_N
    mixed = [sample(*texts[0], role="solver"), sample(*texts[1], role="proposer")]
    found = score_replies(adapted, mixed).entropy_N
    assert found == pytest.approx([*alone["solver"][:2], *alone["proposer"][2:]], abs=1e-5)
    assert abs(alone["solver"] - alone["proposer"]).max() > 1e-3
    other = score_replies(adapted, [sample(*text, role="judge") for text in texts]).entropy_N
    assert other == pytest.approx(alone["proposer"], abs=1e-5)  # the first


def test_nothing_to_score_is_one_sentence(model: PreTrainedModel) -> None:
    with pytest.raises(ValueError, match="samples is empty"):
        score_replies(model, [])
