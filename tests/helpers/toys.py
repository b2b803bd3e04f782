"""A model small enough to train in a test, a character tokenizer for it, and a toy game of one proposer and a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from selfplay_envs import Game, Judging, Message, Settling, Slot, Verdict, no_requests

SPECIAL = ("<pad>", "<end>", "<user>", "<assistant>")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 \n`?"
TEMPLATE = (
    "{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)
GAME = "Test/Letters-v0"


def build_tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {token: index for index, token in enumerate((*SPECIAL, *LETTERS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<end>",
        additional_special_tokens=list(SPECIAL[2:]),
        chat_template=TEMPLATE,
        model_max_length=128,
        padding_side="left",
    )


def build_model(seed: int = 0, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=len(SPECIAL) + len(LETTERS),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=128,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=1,
            pad_token_id=0,
            initializer_range=0.2,
        )
        return LlamaForCausalLM(config).to(dtype).eval()


class Letters(Game):
    """The proposer names a letter; a solver's credit is the share of `a` in its reply; the proposer is paid the rest."""

    roles = ("proposer", "solver")
    task_type = "letters"

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self.letter: str | None = (options.get("task") or {}).get("letter")
        self.fresh = self.letter is None
        self.shown = [one["letter"] for one in options.get("references", ())]
        self.over = False

    def pending(self) -> tuple[Slot, ...]:
        if self.over:
            return ()
        if self.letter is None:
            return (Slot("proposer", 0, 0),)
        return tuple(Slot("solver", attempt, 1) for attempt in range(self.attempts))

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        return (Message("user", "name " + " ".join(self.shown) if slot.role == "proposer" else f"say {self.letter}"),)

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Judging:
        if slot.role == "proposer":
            return no_requests(Verdict(valid=bool(text), reason="ok" if text else "empty", data={"letter": text[:1]}))
        return no_requests(Verdict(valid=True, score=float(text.startswith("a")), train=finish_reason != "masked"))

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        if slot.role == "proposer":
            self.letter = verdict.data["letter"]
            if not verdict.valid:
                self.over, self.credit[slot] = True, -1.0
            return
        self.over = True
        self.credit[slot] = text.count("a") / max(1, len(text))

    def settle(self) -> Settling:
        if self.over and self.fresh and Slot("proposer", 0, 0) not in self.credit:
            self.credit[Slot("proposer", 0, 0)] = 1.0 - float(np.mean(list(self.credit.values())))
        return
        yield []

    @property
    def task_id(self) -> str:
        return self.letter or ""

    @property
    def proposed(self) -> Mapping[str, Any] | None:
        return {"letter": self.letter} if self.fresh and self.letter else None
