from __future__ import annotations

import torch
from transformers import PreTrainedModel

from agents.batching.batch import collate
from agents.batching.packing import pack, prompt_groups
from agents.models.families import can_share_prompts
from agents.models.forward import score
from tests.helpers.batches import sample

BATCH = collate([sample((5, 6), (7, 8)), sample((9,), (10,)), sample((5, 6), (11, 12, 13)), sample((5, 6), (14,))])


CPU = torch.device("cpu")


def test_equal_prompts_are_grouped() -> None:
    assert prompt_groups(BATCH) == [[0, 2, 3], [1]]


def test_the_layout_of_a_packed_row() -> None:
    packed = pack(BATCH, CPU, torch.float32)
    # the shared prompt, message 1, replies 0, 2 and 3
    assert packed.ids_1T.tolist() == [[5, 6, 9, 10, 7, 8, 11, 12, 13, 14]]
    assert packed.position_1T.tolist() == [[0, 1, 0, 1, 2, 3, 2, 3, 4, 2]]
    # message 0: after the prompt and after 7; message 1: after 9; message 2: after the prompt, 11, 12; message 3: the prompt
    assert packed.predictor_N.tolist() == [1, 4, 2, 1, 6, 7, 1]


def test_packed_and_plain_rows_have_the_same_logprobs(model: PreTrainedModel) -> None:
    assert can_share_prompts(model)
    plain, packed = score(model, BATCH, 1.0), score(model, BATCH, 1.0, share=True)
    torch.testing.assert_close(packed.logprob_N, plain.logprob_N, atol=1e-5, rtol=0)
    torch.testing.assert_close(packed.entropy_N, plain.entropy_N, atol=1e-5, rtol=0)


def test_a_reply_does_not_see_its_siblings(model: PreTrainedModel) -> None:
    """Another sibling leaves every other message's log-probabilities alone."""
    other = collate([sample((5, 6), (7, 8)), sample((9,), (10,)), sample((5, 6), (40, 41, 42)), sample((5, 6), (14,))])
    one, two = (score(model, batch, 1.0, share=True).logprob_N for batch in (BATCH, other))
    # tokens of messages 0, 1, 3
    torch.testing.assert_close(one[[0, 1, 2, 6]], two[[0, 1, 2, 6]], atol=1e-6, rtol=0)
    assert (one[3:6] - two[3:6]).abs().max() > 1e-3
