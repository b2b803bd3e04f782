"""Models of real sizes with random weights, and batches with random tokens: speed and memory do not ask what they say."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PretrainedConfig, PreTrainedModel, Qwen3Config

from agents import Sample, Tag, TokenBatch, collate
from agents.hardware.accelerator import prepare_accelerator
from selfplay_envs import Reply

from .bench import Bench

SIZES: dict[str, dict[str, Any]] = {
    "135m": {
        "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
        "num_key_value_heads": 3, "vocab_size": 49_152, "tie_word_embeddings": True,
    },
    "3b": {
        "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28, "num_attention_heads": 24, "head_dim": 128,
        "num_key_value_heads": 8, "vocab_size": 128_256, "tie_word_embeddings": True,
    },
    "8b": {
        "hidden_size": 4096, "intermediate_size": 12_288, "num_hidden_layers": 36, "num_attention_heads": 32, "head_dim": 128,
        "num_key_value_heads": 8, "vocab_size": 151_936, "tie_word_embeddings": False,
    },
}  # fmt: skip
"""Widths of SmolLM2-135M, Llama-3.2-3B and Qwen3-8B."""
TINY = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 16, "vocab_size": 512,
}  # fmt: skip
"""What replaces them in a dry run."""
CONTEXT = 16_384
FIRST_ID = 5
"""Below it are special tokens."""
VOCABULARY = 400
"""Ids that every model here has."""


def config_of(bench: Bench, kind: str) -> PretrainedConfig:
    """Sizes of a model of `SIZES`; tiny ones in a dry run."""
    config_class: Any = Qwen3Config if kind == "8b" else LlamaConfig
    sizes: dict[str, Any] = {**SIZES[kind], **(TINY if bench.dry else {})}
    return config_class(**sizes, max_position_embeddings=CONTEXT, bos_token_id=None, eos_token_id=1, pad_token_id=0)


def random_model(bench: Bench, kind: str, dtype: torch.dtype = torch.bfloat16) -> PreTrainedModel:
    """A model of these sizes, put on the device as `load_model` does it, in eval mode, with the same weights every time."""
    prepare_accelerator(bench.device)
    torch.manual_seed(0)
    with torch.device(bench.device):
        model = AutoModelForCausalLM.from_config(config_of(bench, kind), dtype=dtype)
    return cast(PreTrainedModel, model.eval())


def random_batch(
    groups: int, prompt: int, replies: tuple[int, int], *, seed: int = 0, attempts: int = 8, off: float = -5.0
) -> TokenBatch:
    """Messages whose credit is 0 and 1 in turn.

    Args:
        groups: Different prompts.
        prompt: Their tokens, up to a quarter more.
        replies: Tokens of a reply, from and to.
        seed: Of tokens and lengths.
        attempts: Replies to a prompt.
        off: What stands for the sampler's log-probability of every token.
    """
    rng = np.random.default_rng(seed)

    def draw(length: int) -> tuple[int, ...]:
        return tuple(map(int, rng.integers(FIRST_ID, VOCABULARY, length)))

    samples: list[Sample] = []
    for group in range(groups):
        asked = draw(prompt + int(rng.integers(0, 1 + prompt // 4)))
        for attempt in range(attempts):
            said = draw(int(rng.integers(*replies)))
            reply = Reply(
                text="", finish_reason="stop", prompt_ids=asked, token_ids=said, logprobs=(off,) * len(said), policy_version=0
            )
            samples.append(Sample(reply, float(attempt % 2), Tag(role="solver", prompt_id=str(group))))
    return collate(samples, 0)
