"""The sampler on transformers: prompts become batches, batches are decoded, token ids become replies."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import Reply

from ..config.sampling import Sampling
from ..config.short_cuts import short_cuts_of
from ..decoding.loop import DecodingBatch, decode
from ..hardware.threads import side_by_side
from ..models.adapters import adapter_names, check_adapter, has_adapters, use_adapter
from ..models.chat import Prompt, end_ids
from ..models.weights import Weights
from .adapter_view import AdapterView
from .deprecated import DeprecatedNames
from .replies import ReplyMaker, check_seeds, ids_of_prompts
from .stats import SamplerStats


@dataclass(slots=True)
class _Request:
    """One reply to sample."""

    prompt: int
    """Place of the prompt among the distinct ones."""
    seed: int
    limit: int
    """Tokens at most."""
    reply: Reply | None = None


class TransformersSampler(DeprecatedNames):
    """Decodes with a transformers causal LM on its own device.

    A reply is a function of (weights, prompt, seed): its uniforms come from PCG64(seed), never from a global generator.
    Company in the batch changes it only through floating-point rounding (about 1e-6 in a log-probability; the same batch
    gives the same bits on CPU).

    A decoding loop instead of `generate` of transformers: equal prompts are read once and with little padding, keys and values
    are written in place, finished rows leave the batch. Where least of this helps, with different prompts and replies of one
    length, it made 1.08 times the tokens per second of `generate` with log-probabilities for the tiny model, and 1.35 times for
    SmolLM2 (one core, medians of 10 or more paired runs of `tests.benchmarks.rollouts`).

    Args:
        model: In eval mode; shared with the learner, so that syncing is a version stamp.
        tokenizer: With a chat template and a pad token; see `load_model`.
        max_rows: Replies decoded at a time in one call; where they are more, workers share them.
        prefill_tokens: Prompt tokens, padding included, read per forward pass: bounds memory, does not change the replies.
        copy: Sample with a copy of the weights that changes in `load_weights` only, so that replies can be sampled while
            the learner updates its own.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_rows: int = 512,
        prefill_tokens: int = 8_192,
        copy: bool = False,
    ) -> None:
        for name, value in (("max_rows", max_rows), ("prefill_tokens", prefill_tokens)):
            if value < 1:
                raise ValueError(f"{name}={value!r} must be at least 1; leave it out for the default.")
        self.model = deepcopy(model) if copy else model
        self.tokenizer = tokenizer
        self.max_rows = max_rows
        self.prefill_tokens = prefill_tokens
        self.workers = 1 if has_adapters(self.model) else short_cuts_of(self.model).workers
        """Batches that may be decoded side by side: of one call, and calls from as many threads. Adapters are switched in the
        model itself, so with them it is one."""
        self.policy_version = 0
        self.stats = SamplerStats()
        self._counting = threading.Lock()
        self.context: int = getattr(model.config, "max_position_embeddings", None) or 1 << 30
        self.ends = end_ids(model, tokenizer)
        """Token ids that end a reply."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One reply per seed.

        Raises:
            PromptTooLong: A prompt leaves no room for a single token.
            ValueError: `seeds` is not one sequence per prompt.
        """
        check_seeds(prompts, seeds)
        ids_of = ids_of_prompts(self.tokenizer, prompts, self.context)
        distinct = sorted(set(ids_of.values()), key=lambda ids: (len(ids), ids))
        number = {ids: index for index, ids in enumerate(distinct)}
        requests: list[_Request] = []
        for prompt, prompt_seeds in zip(prompts, seeds, strict=True):
            limit = min(sampling.max_new_tokens, self.context - len(ids_of[prompt]))
            requests += [_Request(number[ids_of[prompt]], seed, limit) for seed in prompt_seeds]
        ordered = sorted(requests, key=lambda request: request.prompt)  # neighbours share prompts, or are of similar length
        size = self.max_rows if len(ordered) <= self.max_rows else max(1, self.max_rows // self.workers)
        batches = [ordered[start : start + size] for start in range(0, len(ordered), size)]
        side_by_side([partial(self._decode, batch, distinct, sampling) for batch in batches], self.workers)
        self._count_prompts(batches, distinct)
        replies = iter([cast(Reply, request.reply) for request in requests])
        return [[next(replies) for _ in prompt_seeds] for prompt_seeds in seeds]

    def with_adapter(self, adapter: str) -> AdapterView:
        """A view that answers with that adapter; shares weights, version and totals.

        Raises:
            ValueError: The model has no such adapter.
        """
        check_adapter(adapter, adapter_names(self.model))
        return AdapterView(self, adapter, self._generate_with)

    def load_weights(self, weights: Weights) -> None:
        """Takes over the weights in place, unless they are those of the model that it shares; then only their version.

        Raises:
            ValueError: They are of other parameters.
        """
        if weights.model is not self.model:
            weights.copy_into(self.model)
        self.policy_version = weights.version

    def release_memory(self) -> None:
        """Nothing to give back."""

    def close(self) -> None:
        """Nothing to free: the weights belong to whoever holds the model."""

    def _generate_with(
        self, adapter: str, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[list[Reply]]:
        with use_adapter(self.model, adapter):
            return self.generate(prompts, sampling, seeds)

    def _decode(self, requests: Sequence[_Request], distinct: Sequence[tuple[int, ...]], sampling: Sampling) -> None:
        """Gives every request of one batch its reply."""
        numbers = list(dict.fromkeys(request.prompt for request in requests))
        place_of = {number: place for place, number in enumerate(numbers)}
        uniforms_RS = torch.zeros(len(requests), max(request.limit for request in requests), dtype=torch.float64)
        for row, request in enumerate(requests):
            uniforms = np.random.Generator(np.random.PCG64(request.seed)).random(request.limit)
            uniforms_RS[row, : request.limit] = torch.from_numpy(uniforms)
        batch = DecodingBatch(
            prompts=tuple(distinct[number] for number in numbers),
            owners=tuple(place_of[request.prompt] for request in requests),
            limits=tuple(request.limit for request in requests),
            uniforms_RS=uniforms_RS,
        )
        counts: Counter[str] = Counter()
        completions = decode(
            self.model,
            batch,
            sampling,
            ends=self.ends,
            context=self.context,
            prefill_tokens=self.prefill_tokens,
            counts=counts,
        )
        with self._counting:
            self.stats.add(**counts)
        maker = ReplyMaker(self.tokenizer, self.ends, self.policy_version)
        for request, (token_ids, logprobs) in zip(requests, completions, strict=True):
            request.reply = maker.reply(distinct[request.prompt], token_ids, logprobs)

    def _count_prompts(self, batches: Sequence[Sequence[_Request]], distinct: Sequence[tuple[int, ...]]) -> None:
        """Prompt tokens once per distinct prompt; those read again, since their rows fell into several batches, apart."""
        read = [prompt for batch in batches for prompt in {request.prompt for request in batch}]
        once = sum(len(distinct[prompt]) for prompt in set(read))
        with self._counting:
            self.stats.add(prompt_tokens=once, reread_tokens=sum(len(distinct[prompt]) for prompt in read) - once)
