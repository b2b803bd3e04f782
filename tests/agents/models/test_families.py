from __future__ import annotations

import pytest
from transformers import PreTrainedModel

from agents.batching.batch import collate
from agents.models.families import can_share_prompts, plain_head
from agents.models.forward import score
from tests.helpers.batches import sample
from tests.helpers.toys import build_model

BATCH = collate([sample((5, 6), (7, 8)), sample((5, 6), (11, 12, 13))])


def test_models_with_windows_or_unknown_types_or_kernels_do_not_share(model: PreTrainedModel) -> None:
    model.set_attn_implementation("eager")
    assert not can_share_prompts(model)
    with pytest.raises(ValueError, match="share=False"):
        score(model, BATCH, 1.0, share=True)
    model.set_attn_implementation("sdpa")
    assert can_share_prompts(model)
    model.config.layer_types = ["full_attention", "sliding_attention"]
    assert not can_share_prompts(model)
    model.config.layer_types = None
    model.config.model_type = "bloom"
    assert not can_share_prompts(model)


def test_a_soft_cap_or_a_bias_is_not_plain() -> None:
    model = build_model()
    assert plain_head(model) is model.get_output_embeddings()
    model.config.model_type = "gemma2"
    assert plain_head(model) is None
