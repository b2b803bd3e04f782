from __future__ import annotations

import pytest

from agents.analysis.weights.names import is_embedding, kind_of, layer_of, plain_names


@pytest.mark.parametrize(
    "name",
    [
        "layers.0.mlp.up_proj.weight",
        "model.layers.0.mlp.up_proj.weight",
        "module.model.layers.0.mlp.up_proj.weight",
        "_orig_mod.model.layers.0.mlp.up_proj.weight",
        "module._orig_mod.model.layers.0.mlp.up_proj.weight",
        "base_model.model.model.layers.0.mlp.up_proj.base_layer.weight",
        "_fsdp_wrapped_module.model.layers.0._fsdp_wrapped_module._checkpoint_wrapped_module.mlp.up_proj.weight",
        "model.language_model.layers.0.mlp.up_proj.weight",
    ],
)
def test_a_weight_has_one_name_whoever_saved_it(name: str) -> None:
    assert plain_names([name]) == {name: "layers.0.mlp.up_proj.weight"}


def test_names_that_would_become_one_keep_their_prefixes() -> None:
    names = ["model.norm.weight", "norm.weight", "module._orig_mod.norm.bias"]
    assert plain_names(names) == {
        "model.norm.weight": "model.norm.weight",
        "norm.weight": "norm.weight",
        "module._orig_mod.norm.bias": "norm.bias",
    }


@pytest.mark.parametrize(
    ("name", "layer", "kind"),
    [
        ("embed_tokens.weight", None, "embedding"),
        ("layers.3.self_attn.q_proj.weight", 3, "q"),
        ("layers.3.self_attn.q_proj.bias", 3, "q"),
        ("layers.3.self_attn.k_proj.weight", 3, "k"),
        ("layers.3.self_attn.v_proj.weight", 3, "v"),
        ("layers.3.self_attn.o_proj.weight", 3, "o"),
        ("layers.3.self_attn.q_norm.weight", 3, "norm"),
        ("layers.12.mlp.gate_proj.weight", 12, "gate"),
        ("layers.12.mlp.up_proj.weight", 12, "up"),
        ("layers.12.mlp.down_proj.weight", 12, "down"),
        ("layers.12.mlp.gate_up_proj.weight", 12, "gate_up"),
        ("layers.12.mlp.gate.weight", 12, "other"),
        ("layers.12.mlp.experts.7.down_proj.weight", 12, "down"),
        ("layers.1.block_sparse_moe.experts.0.w1.weight", 1, "gate"),
        ("layers.0.post_attention_layernorm.weight", 0, "norm"),
        ("norm.weight", None, "norm"),
        ("lm_head.weight", None, "head"),
        ("wte.weight", None, "embedding"),
        ("h.5.attn.c_attn.weight", 5, "qkv"),
        ("h.5.attn.c_proj.weight", 5, "o"),
        ("h.5.mlp.c_fc.weight", 5, "up"),
        ("h.5.mlp.c_proj.weight", 5, "down"),
        ("h.5.ln_1.weight", 5, "norm"),
        ("ln_f.bias", None, "norm"),
        ("layers.2.attention.wq.weight", 2, "q"),
        ("layers.2.attention.query_key_value.weight", 2, "qkv"),
        ("layers.2.attention.dense.weight", 2, "o"),
        ("output.weight", None, "head"),
        ("blocks.0.att.output.weight", 0, "o"),
        ("layers.2.attention.output.weight", 2, "o"),
        ("attention.output.weight", None, "o"),
        ("decoder.output.weight", None, "head"),
        ("mixer.output.weight", None, "other"),
        ("layers.2.lm_head.weight", 2, "other"),
        ("layers.2.self_attn.rotary_emb.inv_freq", 2, "other"),
    ],
)
def test_layer_and_type_of_a_weight(name: str, layer: int | None, kind: str) -> None:
    assert (layer_of(name), kind_of(name)) == (layer, kind)


def test_a_table_of_positions_is_no_table_of_words() -> None:
    assert [is_embedding(name) for name in ("wte.weight", "wpe.weight", "embed_positions.weight")] == [True, False, False]


def test_a_layer_s_own_table_of_words_is_not_that_which_a_head_is_tied_to() -> None:
    assert not is_embedding("layers.61.embed_tokens.weight")
