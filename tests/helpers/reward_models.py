"""Small classifiers of the form of Skywork-Reward-V2, whose scores are read here as on its model cards."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForSequenceClassification,
)

from tests.helpers.toys import LETTERS

SPECIALS = ("<begin>", "<end>", "<user>", "<assistant>", "<system>")
TURNS = "{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] + '<end>' }}{% endfor %}"
KINDS = ("llama", "qwen2")
CONTEXT = 256


def classifier_tokenizer(kind: str, template: str | None = None) -> PreTrainedTokenizerFast:
    """No pad token. Of llama the template writes the begin token, and the tokenizer adds it too; qwen2 has none."""
    vocabulary = {token: index for index, token in enumerate((*SPECIALS, *LETTERS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.add_special_tokens(list(SPECIALS))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    begins = kind == "llama"
    if begins:
        tokenizer.post_processor = processors.TemplateProcessing(single="<begin> $A", special_tokens=[("<begin>", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<begin>" if begins else None,
        eos_token="<end>",
        additional_special_tokens=list(SPECIALS[2:]),
        chat_template=template or ("{{ '<begin>' }}" if begins else "") + TURNS,
    )


def build_classifier(kind: str, *, outputs: int = 1, pad_token_id: int | None = None) -> Any:
    """Weights are large enough that scores differ by much."""
    sizes: dict[str, Any] = {
        "vocab_size": len(SPECIALS) + len(LETTERS),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": pad_token_id,
        "initializer_range": 0.5,
        "num_labels": outputs,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        if kind == "llama":
            return LlamaForSequenceClassification(LlamaConfig(**sizes)).eval()
        return Qwen2ForSequenceClassification(Qwen2Config(**sizes)).eval()


def save_classifier(folder: Path, kind: str = "llama", **options: Any) -> str:
    """The folder of a classifier and its tokenizer."""
    template = options.pop("template", None)
    build_classifier(kind, **options).save_pretrained(folder)
    classifier_tokenizer(kind, template).save_pretrained(folder)
    return str(folder)


def score_as_on_the_card(folder: str, messages: list[dict[str, str]], answer: str) -> float:
    """One score as Skywork's model cards compute it: the template's text without a doubled begin token, alone in its batch."""
    model, tokenizer = _load(folder)
    text = tokenizer.apply_chat_template([*messages, {"role": "assistant", "content": answer}], tokenize=False)
    if tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token):
        text = text[len(tokenizer.bos_token) :]
    with torch.no_grad():
        return float(model(**tokenizer(text, return_tensors="pt", return_token_type_ids=False)).logits[0][0])


@cache
def _load(folder: str) -> tuple[Any, Any]:
    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1), AutoTokenizer.from_pretrained(folder)
