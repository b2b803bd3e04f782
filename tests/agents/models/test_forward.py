from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from agents.batching.batch import TokenBatch, collate
from agents.models.families import plain_head
from agents.models.forward import score
from tests.helpers.batches import build_gpt2, sample

BATCH = collate(
    [
        sample((5, 6), (7, 8)),
        sample((9, 10, 11, 12), (13,)),
        sample((5, 6), (14, 15, 16, 17)),
        sample((18,), (19, 20)),
        sample((5, 6), (21,)),
    ]
)
WIDTH = 32


def alone(model: PreTrainedModel, batch: TokenBatch, temperature: float) -> tuple[Tensor, Tensor]:
    """Every message by itself, without padding."""
    logprobs, entropies = [], []
    for ids, real, reply in zip(batch.ids_BT, batch.attention_BT, batch.mask_BT.sum(-1).tolist(), strict=True):
        own = ids[real]
        logits = model(input_ids=own[None]).logits[0, -reply - 1 : -1] / temperature
        all_TV = logits.log_softmax(-1)
        logprobs.append(all_TV.gather(-1, own[-reply:, None])[:, 0])
        entropies.append(-(all_TV.exp() * all_TV).sum(-1))
    return torch.cat(logprobs), torch.cat(entropies)


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_every_message_is_scored_as_if_alone(model: PreTrainedModel, share: bool, temperature: float) -> None:
    found = score(model, BATCH, temperature, share=share)
    logprobs, entropies = alone(model, BATCH, temperature)
    torch.testing.assert_close(found.logprob_N, logprobs, atol=2e-5, rtol=0)
    torch.testing.assert_close(found.entropy_N, entropies, atol=2e-5, rtol=0)


def test_a_head_that_is_not_plain_is_scored_by_its_own_logits() -> None:
    model = build_gpt2()
    assert plain_head(model) is None
    found = score(model, BATCH, 0.8, wants_entropy=True)
    logprobs, entropies = alone(model, BATCH, 0.8)
    torch.testing.assert_close(found.logprob_N, logprobs, atol=2e-5, rtol=0)
    torch.testing.assert_close(found.entropy_N, entropies, atol=2e-5, rtol=0)
    weight = model.transformer.h[0].attn.c_attn.weight
    for one, other in ((found.entropy_N, entropies), (found.logprob_N, logprobs)):
        [own] = torch.autograd.grad(one.sum(), weight, retain_graph=True)
        [expected] = torch.autograd.grad(other.sum(), weight, retain_graph=True)
        torch.testing.assert_close(own, expected, atol=1e-4, rtol=1e-4)
    assert not score(model, BATCH, 0.8).entropy_N.requires_grad


@pytest.mark.parametrize("share", [False, True])
def test_a_value_head_sees_the_state_before_the_token(model: PreTrainedModel, share: bool) -> None:
    head = nn.Linear(WIDTH, 1, bias=False)
    values = score(model, BATCH, 1.0, share=share, value_head=head).value_N
    expected: list[Tensor] = []
    for ids, real, reply in zip(BATCH.ids_BT, BATCH.attention_BT, BATCH.mask_BT.sum(-1).tolist(), strict=True):
        hidden = model(input_ids=ids[real][None], output_hidden_states=True).hidden_states[-1][0]
        expected.append(head(hidden[-reply - 1 : -1])[:, 0])
    assert values is not None
    torch.testing.assert_close(values, torch.cat(expected), atol=1e-5, rtol=0)
    assert score(model, BATCH, 1.0).value_N is None


def test_a_value_head_on_a_head_that_is_not_plain() -> None:
    model, head = build_gpt2(), nn.Linear(16, 1, bias=False)
    values = score(model, BATCH, 1.0, value_head=head).value_N
    hidden = model(input_ids=BATCH.rows([3]).ids_BT, output_hidden_states=True).hidden_states[-1][0]
    assert values is not None
    torch.testing.assert_close(values[7:9], head(hidden[:2])[:, 0], atol=1e-5, rtol=0)


def test_positions_are_counted(model: PreTrainedModel) -> None:
    # 5 messages of at most 6 positions, 4 + 5 + 6 + 3 + 3 of them real
    padded = score(model, BATCH, 1.0)
    assert (padded.slots, padded.used) == (30, 21)
    # the replies 2 + 4 + 1 to 5 6 share it, 9 positions; the two others have 5 and 3
    packed = score(model, BATCH, 1.0, share=True)
    assert (packed.slots, packed.used) == (17, 17)
