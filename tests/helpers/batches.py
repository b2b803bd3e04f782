"""Small batches: samples written out by hand, and replies that a model sampled."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel, PreTrainedTokenizerFast

from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.config.sampling import Sampling
from agents.models.forward import BatchScores
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Episode, Message, Referee, Reply, ScriptedPlayer, Start, play_episodes, register_game
from tests.helpers.toys import GAME

PROMPTS = [(Message("user", text),) for text in ("a", "say hello", "which letter?", "12345")]
REPLY = Reply(text="aa", prompt_ids=(1,), token_ids=(2,), logprobs=(-1.0,))


def letters_played() -> list[Episode]:
    """One episode of the toy game, of a proposer and two solvers whose scripted replies carry no tokens."""
    register_game(GAME, "tests.helpers.toys:Letters")

    def say(prompt: object) -> str:
        return "b" if prompt.slot.role == "proposer" else "aa"  # type: ignore[attr-defined]

    return play_episodes([Start(GAME, 0, {"attempts": 2})], ScriptedPlayer(say), Referee("process"))


def sample(prompt: tuple[int, ...], tokens: tuple[int, ...], reward: float = 1.0, **tag: str) -> Sample:
    """One message of policy version 3, whose tokens have the log-probabilities -0.5, -1.5 and so on."""
    logprobs = tuple(-0.5 - i for i in range(len(tokens)))
    reply = Reply(text="", prompt_ids=prompt, token_ids=tokens, logprobs=logprobs, policy_version=3)
    return Sample(reply, reward, Tag(role=tag.pop("role", "solver"), **tag))  # type: ignore[arg-type]


def sampled(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, seed: int = 0, k: int = 3, reward: str = "a", t: float = 1.0
) -> TokenBatch:
    """A batch of k replies to every prompt, whose reward is the share of `reward` in them."""
    sampling = Sampling(max_new_tokens=10, temperature=t)
    seeds = [tuple(seed * 1000 + k * i + j for j in range(k)) for i in range(len(PROMPTS))]
    replies = TransformersSampler(model, tokenizer).generate(PROMPTS, sampling, seeds)
    samples = [
        Sample(reply, reply.text.count(reward) / len(reply.token_ids), Tag(role="solver", task_type="x", prompt_id=str(i)))
        for i, group in enumerate(replies)
        for reply in group
    ]
    return collate(samples)


class NoScorer:
    """A scorer for what needs no forward pass: every one is an error."""

    def score_batch(self, batch: TokenBatch) -> BatchScores:
        raise AssertionError("the learner's scores are not needed")

    def reference_logprobs(self, batch: TokenBatch) -> Tensor:
        raise AssertionError("the reference is not needed")


def build_gpt2() -> PreTrainedModel:
    """A model whose head is not known to be plain."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = GPT2Config(vocab_size=44, n_positions=32, n_embd=16, n_layer=2, n_head=2, initializer_range=0.3)
        return GPT2LMHeadModel(config).eval()
