"""A sequence classifier with one output: loading it, and its output for token ids in padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import UsageError

from ..core.errors import ModelUnavailable, first_line
from ..models.loading import pick_device, quiet_transformers

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
FORM = "a reward model is a sequence classifier with one output and a chat template, as Skywork-Reward-V2"


def load_classifier(name: str, *, dtype: Dtype, device: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A classifier in eval mode and its tokenizer.

    Args:
        name: A folder that `save_pretrained` wrote, or a Hugging Face id.
        dtype: Of the weights; `auto`: as they are stored.
        device: `auto` takes an accelerator where there is one; else a torch device such as `cpu`.

    Raises:
        ModelUnavailable: The files are not on this machine, or torch has no such device.
        UsageError: It is another kind of model.
    """
    chosen = pick_device(device)
    if not Path(name).is_dir() and (name.startswith((".", "/", "~")) or name.count("/") != 1):
        raise ModelUnavailable(f"reward-model id={name!r} is neither a folder here nor a Hugging Face id; check the spelling.")
    with quiet_transformers():
        try:
            outputs = AutoConfig.from_pretrained(name).num_labels
            tokenizer = AutoTokenizer.from_pretrained(name)
        except Exception as error:  # tokenizers raises plain ones
            raise _unavailable(name, error) from error
        if outputs != 1 or not tokenizer.chat_template:
            found = f"{outputs} outputs" if outputs != 1 else "no chat template"
            raise UsageError(f"reward-model id={name!r} has {found}; {FORM}.")
        try:
            loaded: Any = AutoModelForSequenceClassification.from_pretrained(name, dtype=dtype, output_loading_info=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise _unavailable(name, error) from error
    model, info = loaded
    if info["missing_keys"]:
        missing = ", ".join(sorted(info["missing_keys"])[:3])
        raise UsageError(f"reward-model id={name!r} holds no weights for {missing}; {FORM}.")
    model.config.use_cache = False
    return model.to(chosen).eval(), tokenizer


def _unavailable(name: str, error: Exception) -> ModelUnavailable:
    return ModelUnavailable(
        f"reward-model id={name!r} could not be loaded ({first_line(error)}); check the spelling and the network, or name the "
        "folder of a model that is here."
    )


def context_of(model: PreTrainedModel) -> int:
    """Tokens that a model takes at most; very many where it does not say."""
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", None) or 1 << 30)


@torch.inference_mode()
def outputs_of(model: PreTrainedModel, texts: Sequence[Sequence[int]], batch_tokens: int) -> list[float]:
    """The model's output for each text, in order: that of the text alone, but for floating-point rounding.

    Classifiers on causal models read their output at the last token that is not `config.pad_token_id`, whatever the attention
    mask says. Where that id is set, batches are padded with it, so that every row is read where it would be read alone. Where
    none is set, a row alone is read at its end; so the id is set, for this batch, to one that no row ends with.

    Args:
        model: With one output, its rows padded on the right.
        texts: Token ids.
        batch_tokens: Positions of a batch at most, padding included; a longer text is a batch of its own.
    """
    config: Any = model.config.get_text_config()
    own, words = config.pad_token_id, int(model.get_input_embeddings().num_embeddings)  # type: ignore[union-attr]
    values = [0.0] * len(texts)
    for places in batches([len(text) for text in texts], batch_tokens, words - 1):
        rows = [texts[place] for place in places]
        ends = {row[-1] for row in rows}
        pad = own if own is not None and 0 <= own < words else next(word for word in range(words) if word not in ends)
        longest = max(map(len, rows))
        ids_BT = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows], device=model.device)
        mask_BT = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=model.device)
        config.pad_token_id = pad
        try:
            output_B1 = model(input_ids=ids_BT, attention_mask=mask_BT).logits
        finally:
            config.pad_token_id = own
        for place, value in zip(places, output_B1[:, 0].tolist(), strict=True):
            values[place] = value
    return values


def batches(lengths: Sequence[int], limit: int, most: int) -> list[list[int]]:
    """Places of texts in batches of similar length, the shortest first.

    Args:
        lengths: Of the texts.
        limit: Positions of a batch at most, padding included, unless it is a single text.
        most: Texts of a batch at most.
    """
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if found and len(found[-1]) < most and lengths[place] * (len(found[-1]) + 1) <= limit:
            found[-1].append(place)
        else:
            found.append([place])
    return found
