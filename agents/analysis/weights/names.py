"""Names of weights: the same in every checkpoint of a model, whoever saved it; a weight's layer and the type of its matrix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

WRAPPERS = re.compile(r"(?:^|(?<=\.))(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|base_layer)\.")
"""What torch.compile, FSDP, activation checkpointing and peft put between the parts of a name."""
PREFIXES = ("base_model.model.", "module.", "language_model.", "transformer.", "model.")
"""What wrappers and heads put in front; taken away as often as they are there."""
LAYER = re.compile(r"(?:^|\.)(?:layers|layer|blocks|h)\.(\d+)\.")

KINDS = ("q", "k", "v", "qkv", "o", "gate", "up", "gate_up", "down", "embedding", "norm", "head", "other")
"""Types of matrices. `qkv` and `gate_up` are stored as one; a bias belongs to its matrix; a router of experts is `other`."""
_KIND_PATTERNS = tuple(
    (kind, re.compile(rf"(?:^|\.)(?:{pattern})(?:\.(?:weight|bias))?$"))
    for kind, pattern in (
        ("head", r"lm_head|embed_out|(?<!\.)output|decoder\.output"),
        ("norm", r"[\w.]*norm\w*|ln_\w+|ln\w?"),
        ("embedding", r"embed_tokens|wte|wpe|tok_embeddings|embed_in|word_embeddings|embed_positions|position_embeddings"),
        ("qkv", r"c_attn|qkv_proj|query_key_value|Wqkv|qkv"),
        ("q", r"q_proj|wq|query|q_lin|q_[ab]_proj"),
        ("k", r"k_proj|wk|key|k_lin"),
        ("v", r"v_proj|wv|value|v_lin"),
        ("o", r"o_proj|wo|out_proj|out_lin|attn\.c_proj|(?:self_)?attention\.dense|(?:att|attn|attention)\.output"),
        ("gate_up", r"gate_up_proj"),
        ("gate", r"gate_proj|w1"),
        ("up", r"up_proj|w3|c_fc|fc1|fc_in|dense_h_to_4h"),
        ("down", r"down_proj|w2|mlp\.c_proj|fc2|fc_out|dense_4h_to_h"),
    )
)


def plain_names(names: Iterable[str]) -> dict[str, str]:
    """Every name as it is in the plain model, by itself; names that would become one keep their prefixes."""
    bare = {name: WRAPPERS.sub("", name) for name in names}
    plain = {name: _without_prefixes(text) for name, text in bare.items()}
    often = Counter(plain.values())
    return {name: text if often[text] == 1 else bare[name] for name, text in plain.items()}


def _without_prefixes(name: str) -> str:
    while prefix := next((one for one in PREFIXES if name.startswith(one)), ""):
        name = name.removeprefix(prefix)
    return name


def layer_of(name: str) -> int | None:
    """The layer, from 0; None for weights outside the layers."""
    found = LAYER.search(name)
    return int(found.group(1)) if found else None


def kind_of(name: str) -> str:
    """One of `KINDS`, from the names that Llama, Qwen, Mistral, Gemma, Phi, GPT-2, GPT-NeoX, OPT and Mixtral use.

    A head belongs to no layer, and `output` is one at the beginning of a name, or of a decoder.
    """
    kinds = (kind for kind, pattern in _KIND_PATTERNS if pattern.search(name))
    return next((kind for kind in kinds if kind != "head" or layer_of(name) is None), "other")


def is_embedding(name: str) -> bool:
    """Whether a plain name is that of the table of words, which a head may be tied to."""
    return kind_of(name) == "embedding" and layer_of(name) is None and not re.search(r"wpe|position", name)
