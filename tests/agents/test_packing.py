from __future__ import annotations

import torch
from transformers import PreTrainedModel

from agents.batch import collate
from agents.packing import can_share_prompts, pack, prompt_groups, room_for_replies, segment_mask
from agents.scoring import score
from tests.agents.test_batch import sample

BATCH = collate([sample((5, 6), (7, 8)), sample((9,), (10,)), sample((5, 6), (11, 12, 13)), sample((5, 6), (14,))])


def test_equal_prompts_are_grouped_and_long_groups_split() -> None:
    # room for sqrt(2 (2 32 + 2)) = 11.5 reply tokens after a prompt of 2, and for sqrt(2 (2 6 + 2)) = 5.3 in a narrow model
    assert prompt_groups(BATCH, 32) == [[0, 2, 3], [1]]
    assert prompt_groups(BATCH, 6) == [[0, 2], [1], [3]]
    assert prompt_groups(BATCH, 1) == [[0], [1], [2], [3]]


def test_room_for_replies_makes_the_cost_per_reply_least() -> None:
    """24 width T + 12 T^2 over k replies of r tokens, T = prompt + k r, by trying every k."""
    prompt, width, reply = 200, 64, 5
    costs = {k: (24 * width * (prompt + k * reply) + 12 * (prompt + k * reply) ** 2) / k for k in range(1, 300)}
    best = min(costs, key=costs.__getitem__)
    assert abs(best * reply - room_for_replies(prompt, width)) <= reply


def test_the_layout_of_a_packed_row() -> None:
    packed = pack(BATCH, prompt_groups(BATCH, 32))
    assert packed.ids_PT.tolist() == [[5, 6, 7, 8, 11, 12, 13, 14], [0, 0, 0, 0, 0, 0, 9, 10]]
    assert packed.position_PT[0].tolist() == [0, 1, 2, 3, 2, 3, 4, 2]
    assert packed.keep == 7
    # message 0: after the prompt (first kept column) and after 7; message 1: in row 1, after 9
    assert packed.predictor_N.tolist() == [0, 1, 7 + 5, 0, 3, 4, 0]


def test_replies_see_the_prompt_and_themselves() -> None:
    mask = segment_mask(torch.tensor([[-1, 0, 1, 1, 2]]))[0, 0]
    assert mask.int().tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 1, 0, 0, 1]]


def test_packed_and_plain_rows_have_the_same_logprobs(model: PreTrainedModel) -> None:
    assert can_share_prompts(model)
    plain, packed = score(model, BATCH, 1.0), score(model, BATCH, 1.0, shared_width=32)
    torch.testing.assert_close(packed.logprob_N, plain.logprob_N, atol=1e-5, rtol=0)
    torch.testing.assert_close(packed.entropy_N, plain.entropy_N, atol=1e-5, rtol=0)


def test_a_reply_does_not_see_its_siblings(model: PreTrainedModel) -> None:
    """Another sibling leaves every other message's log-probabilities alone."""
    other = collate([sample((5, 6), (7, 8)), sample((9,), (10,)), sample((5, 6), (40, 41, 42)), sample((5, 6), (14,))])
    one, two = (score(model, batch, 1.0, shared_width=32).logprob_N for batch in (BATCH, other))
    # tokens of messages 0, 1, 3
    torch.testing.assert_close(one[[0, 1, 2, 6]], two[[0, 1, 2, 6]], atol=1e-6, rtol=0)
    assert (one[3:6] - two[3:6]).abs().max() > 1e-3


def test_models_with_windows_or_unknown_types_do_not_share(model: PreTrainedModel) -> None:
    model.config.layer_types = ["full_attention", "sliding_attention"]
    assert not can_share_prompts(model)
    model.config.layer_types = None
    model.config.model_type = "bloom"
    assert not can_share_prompts(model)
