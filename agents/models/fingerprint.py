"""Names a model by content: equal weights, tokenizer and chat template, equal name, wherever they were loaded from."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .chat import end_ids

WORDS = 1 << 20
"""Eight-byte words of a tensor that one sum takes: few enough for a processor's cache."""


def fingerprint(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> str:
    """Sixteen hex digits that stand for what decides a model's replies; adapters that it carries are part of it.

    Of the weights, sums are hashed and not the bytes: they need no copy from a GPU, and on a processor 1.7 s per GiB. A change
    of any one value changes them for certain, an accidental change of many with probability 1 - 2**-64; who wants to deceive
    himself can.

    Args:
        model: On any device.
        tokenizer: Its vocabulary, merges, chat template and the tokens that end a reply count.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} {_sums(tensor)}\n".encode())
    ends = sorted(end_ids(model, tokenizer))
    digest.update(json.dumps([_vocabulary(tokenizer), tokenizer.get_chat_template(), ends], sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _sums(tensor: Tensor) -> list[int]:
    """Sums of a tensor's bytes as 64-bit words, each times an odd number of its place, modulo 2**64.

    An odd factor has an inverse, so that no single word can change without its sum.
    """
    raw = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    whole = raw.numel() // 8 * 8
    words = raw[:whole].view(torch.int64)
    odd = _odd_numbers(tensor.device)
    sums = [(part * odd[: part.numel()]).sum() for part in words.split(WORDS)]
    rest = int.from_bytes(bytes(raw[whole:].tolist()), "little")
    return [*(torch.stack(sums).tolist() if sums else []), rest]


@cache
def _odd_numbers(device: torch.device) -> Tensor:
    return torch.arange(1, 2 * WORDS, 2, device=device)


def _vocabulary(tokenizer: PreTrainedTokenizerBase) -> Any:
    """All that makes tokens of text, as JSON types; the vocabulary alone of a tokenizer that is not a fast one."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend.to_str() if backend is not None else tokenizer.get_vocab()
