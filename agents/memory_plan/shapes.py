"""Sizes of causal language models: of their weights, adapters, keys and values, without loading any.

Of some published models the sizes stand here, so that a plan needs no download; of others they are read from config.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ModelUnavailable
from ..tiny.folder import TINY_MODEL

KNOWN_KINDS = ("llama", "mistral", "qwen2", "qwen3", "smollm3")
"""Model types whose layers are of the form that is counted here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """Sizes of a decoder whose layers are attention with grouped heads and a gated MLP, behind RMS norms."""

    kind: str
    """transformers' model_type; one of `KNOWN_KINDS`."""
    layers: int
    width: int
    """Width of the hidden states."""
    heads: int
    kv_heads: int
    """Heads of keys and values."""
    head_width: int
    mlp_width: int
    vocabulary: int
    tied: bool
    """Whether the output matrix is the word table."""
    context: int
    """Positions that the model knows."""
    biases: int = 0
    """Numbers in the bias vectors of one layer."""

    @property
    def head_norms(self) -> bool:
        """Whether queries and keys pass a norm of their own."""
        return self.kind == "qwen3"

    @property
    def table(self) -> int:
        """Numbers in the word table."""
        return self.vocabulary * self.width

    @property
    def linears(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of one layer's matrices: q, k, v, o, gate, up, down."""
        q, kv = self.heads * self.head_width, self.kv_heads * self.head_width
        attention = ((self.width, q), (self.width, kv), (self.width, kv), (q, self.width))
        return (*attention, (self.width, self.mlp_width), (self.width, self.mlp_width), (self.mlp_width, self.width))

    @property
    def weights(self) -> int:
        """All numbers of the model."""
        norms = 2 * self.width + (2 * self.head_width if self.head_norms else 0)
        layer = sum(inputs * outputs for inputs, outputs in self.linears) + norms + self.biases
        return self.table * (1 if self.tied else 2) + self.layers * layer + self.width

    def adapter_weights(self, rank: int) -> int:
        """Numbers of one LoRA adapter on every matrix of every layer."""
        return self.layers * rank * sum(inputs + outputs for inputs, outputs in self.linears)

    def cache_bytes(self, width: int) -> int:
        """Bytes of one token's keys and values in all layers, `width` bytes a number."""
        return 2 * self.layers * self.kv_heads * self.head_width * width


def _qwen(
    kind: str,
    layers: int,
    width: int,
    heads: int,
    kv_heads: int,
    mlp_width: int,
    *,
    tied: bool,
    vocabulary: int = 151_936,
) -> ModelShape:
    """A model of Qwen's; those of the second generation have biases on q, k and v."""
    head_width = 128
    return ModelShape(
        kind=kind,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        head_width=head_width,
        mlp_width=mlp_width,
        vocabulary=vocabulary,
        tied=tied,
        context=32_768,
        biases=(heads + 2 * kv_heads) * head_width if kind == "qwen2" else 0,
    )


def _llama(
    layers: int, width: int, heads: int, kv_heads: int, mlp_width: int, *, vocabulary: int = 128_256, context: int = 131_072
) -> ModelShape:
    """A model of the Llama family with tied word tables."""
    return ModelShape(
        kind="llama",
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        head_width=width // heads,
        mlp_width=mlp_width,
        vocabulary=vocabulary,
        tied=True,
        context=context,
    )


PUBLISHED: Mapping[str, ModelShape] = {
    "Qwen/Qwen3-8B-Base": _qwen("qwen3", 36, 4096, 32, 8, 12_288, tied=False),
    "Qwen/Qwen3-4B-Base": _qwen("qwen3", 36, 2560, 32, 8, 9_728, tied=True),
    "Qwen/Qwen3-1.7B-Base": _qwen("qwen3", 28, 2048, 16, 8, 6_144, tied=True),
    "Qwen/Qwen2.5-Coder-7B": _qwen("qwen2", 28, 3584, 28, 4, 18_944, tied=False, vocabulary=152_064),
    "Qwen/Qwen2.5-Coder-3B": _qwen("qwen2", 36, 2048, 16, 2, 11_008, tied=True),
    "Qwen/Qwen2.5-Coder-1.5B": _qwen("qwen2", 28, 1536, 12, 2, 8_960, tied=True),
    "meta-llama/Llama-3.2-3B-Instruct": _llama(28, 3072, 24, 8, 8_192),
    "meta-llama/Llama-3.2-1B-Instruct": _llama(16, 2048, 32, 8, 8_192),
    "smollm2": _llama(30, 576, 9, 3, 1_536, vocabulary=49_152, context=8_192),
}
"""Sizes by the names that `load_model` takes, as their config.json gives them; of the presets, and some that could stand in."""


def find_shape(name: str) -> ModelShape:
    """The sizes of the model of that name, from the table here, its folder, or the cache of Hugging Face, never the network.

    Raises:
        ModelUnavailable: They are not on this machine, or it is built otherwise than what is counted here.
    """
    if name in PUBLISHED:
        return PUBLISHED[name]
    folder = TINY_MODEL if name == "tiny" else Path(name)
    inside = next((place for place in (folder / "model", folder) if (place / "config.json").is_file()), None)
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(str(inside or _cached(name)), local_files_only=True)
    except (OSError, ValueError) as error:
        is_id = not name.startswith((".", "/", "~")) and name.count("/") <= 1
        download = f"type `hf download {name} config.json`, " if is_id else ""
        raise ModelUnavailable(
            f"model={name!r}: its sizes are not known, as no config.json of it is on this machine; name a folder that holds "
            f"one, {download}or choose one of {', '.join(PUBLISHED)}."
        ) from error
    return shape_of(config, name)


def _cached(name: str) -> Path:
    """The folder of a model in the cache of Hugging Face.

    Raises:
        ValueError: It is not there, or nothing can have that name.
    """
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(name, "config.json")
    if not isinstance(path, str):
        raise ValueError(f"{name} is not in the cache")
    return Path(path).parent


def shape_of(config: Any, name: str = "") -> ModelShape:
    """The sizes that a config of transformers states.

    Raises:
        ModelUnavailable: It is of a type that is not counted here.
    """
    if config.model_type not in KNOWN_KINDS:
        raise ModelUnavailable(
            f"model={name!r} is of type {config.model_type!r}, whose memory is not counted here; those of type "
            f"{', '.join(KNOWN_KINDS)} are."
        )
    heads = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    head_width = getattr(config, "head_dim", None) or config.hidden_size // heads
    qkv = (heads + 2 * kv_heads) * head_width
    attention_biases = qkv if config.model_type == "qwen2" else 0
    if getattr(config, "attention_bias", False):
        attention_biases = qkv + config.hidden_size
    mlp_biases = 2 * config.intermediate_size + config.hidden_size if getattr(config, "mlp_bias", False) else 0
    return ModelShape(
        kind=config.model_type,
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        heads=heads,
        kv_heads=kv_heads,
        head_width=head_width,
        mlp_width=config.intermediate_size,
        vocabulary=config.vocab_size,
        tied=bool(config.tie_word_embeddings),
        context=config.max_position_embeddings,
        biases=attention_biases + mlp_biases,
    )
