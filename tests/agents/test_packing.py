from __future__ import annotations

import torch
from transformers import PreTrainedModel

from agents.batch import collate
from agents.learner import micro_batches, score
from agents.packing import can_share_prompts, pack, prompt_groups, segment_mask
from tests.agents.test_batch import sample

BATCH = collate([sample((5, 6), (7, 8)), sample((9,), (10,)), sample((5, 6), (11, 12, 13)), sample((5, 6), (14,))])


def test_equal_prompts_are_grouped_and_long_groups_split() -> None:
    assert prompt_groups(BATCH) == [[0, 2, 3], [1]]
    assert prompt_groups(BATCH, longest=7) == [[0, 2], [1], [3]]


def test_the_layout_of_a_packed_row() -> None:
    packed = pack(BATCH, prompt_groups(BATCH))
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
    plain, entropy = score(model, BATCH, 1.0)
    shared, shared_entropy = score(model, BATCH, 1.0, share=True)
    torch.testing.assert_close(shared, plain, atol=1e-5, rtol=0)
    torch.testing.assert_close(shared_entropy, entropy, atol=1e-5, rtol=0)


def test_models_with_windows_or_unknown_types_do_not_share(model: PreTrainedModel) -> None:
    model.config.layer_types = ["full_attention", "sliding_attention"]
    assert not can_share_prompts(model)
    model.config.layer_types = None
    model.config.model_type = "bloom"
    assert not can_share_prompts(model)


def test_micro_batches_keep_groups_whole_and_cover_every_row() -> None:
    for share in (False, True):
        parts = micro_batches(BATCH, 8, share=share)
        assert sorted(row for part in parts for row in part) == [0, 1, 2, 3]
    assert [1] in micro_batches(BATCH, 8, share=True)
    assert [0, 2, 3] in micro_batches(BATCH, 8, share=True)
