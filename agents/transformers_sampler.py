"""The sampler on transformers: prompts become batches, batches are decoded, token ids become replies."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import Reply

from .adapter_view import AdapterView
from .adapters import has_adapters, speaking_as
from .chat import Prompt, end_ids, render_prompt
from .decoding import Wanted, decode
from .sampling import Sampling
from .short_cuts import short_cuts_of
from .side_by_side import side_by_side


@dataclass(slots=True)
class _Row:
    """One wanted reply."""

    prompt: int
    seed: int
    limit: int
    reply: Reply | None = None


class TransformersSampler:
    """Decodes with a transformers causal LM on its own device.

    A reply is a function of (weights, prompt, seed): its uniforms come from PCG64(seed), never from a global generator.
    Company in the batch changes it only through floating-point rounding (about 1e-6 in a log-probability; the same batch
    gives the same bits on CPU).

    Own decoding loop instead of `generate`: equal prompts are read once and with little padding, keys and values are written in
    place, finished rows leave the batch. Where least of this helps, with different prompts and replies of one length, it made
    1.08 times the tokens per second of `generate` with log-probabilities for the tiny model, and 1.35 times for SmolLM2 (one
    core, medians of 10 or more paired runs of `tests.benchmarks.rollouts`).

    Args:
        model: In eval mode; shared with the learner, so that syncing is a version stamp.
        tokenizer: With a chat template and a pad token; see `load_model`.
        max_rows: Replies decoded at a time in one call; where they are more, workers share them.
        prefill_tokens: Prompt tokens, padding included, read per forward pass: bounds memory, does not change the replies.
        copy: Speak with a copy of the weights that changes in `receive` only, so that replies can be drawn while the learner
            updates its own.
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
        self.counts: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.context: int = getattr(model.config, "max_position_embeddings", None) or 1 << 30
        self.ends = end_ids(model, tokenizer)
        """Token ids that end a reply."""

    def act(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One reply per seed.

        Raises:
            ValueError: A prompt leaves no room for a single token, or `seeds` is not one sequence per prompt.
        """
        if len(seeds) != len(prompts):
            raise ValueError(
                f"seeds has {len(seeds)} entries for {len(prompts)} prompts; give one sequence of seeds per prompt."
            )
        started = time.perf_counter()
        ids_of: dict[Prompt, tuple[int, ...]] = {}
        for prompt in prompts:
            if prompt not in ids_of:
                ids_of[prompt] = self._checked(tuple(render_prompt(self.tokenizer, prompt)))
        distinct = sorted(set(ids_of.values()), key=lambda ids: (len(ids), ids))
        number = {ids: index for index, ids in enumerate(distinct)}
        rows: list[_Row] = []
        for prompt, own in zip(prompts, seeds, strict=True):
            limit = min(sampling.max_new_tokens, self.context - len(ids_of[prompt]))
            rows += [_Row(number[ids_of[prompt]], seed, limit) for seed in own]
        ordered = sorted(rows, key=lambda row: row.prompt)  # neighbours share prompts, or have prompts of similar length
        size = self.max_rows if len(ordered) <= self.max_rows else max(1, self.max_rows // self.workers)
        batches = [ordered[start : start + size] for start in range(0, len(ordered), size)]
        side_by_side([partial(self._decode, batch, distinct, sampling) for batch in batches], self.workers)
        self._count(batches, distinct, time.perf_counter() - started)
        replies = iter([cast(Reply, row.reply) for row in rows])
        return [[next(replies) for _ in own] for own in seeds]

    def act_as(
        self, adapter: str, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[list[Reply]]:
        """As `act`, with that adapter."""
        with speaking_as(self.model, adapter):
            return self.act(prompts, sampling, seeds)

    def speaking_as(self, adapter: str) -> AdapterView:
        """A view that answers with that adapter; shares weights, version and counts.

        Raises:
            ValueError: The model has no such adapter.
        """
        with speaking_as(self.model, adapter):
            return AdapterView(self, adapter)

    def receive(self, model: PreTrainedModel, version: int) -> None:
        """Takes over the weights of `model`, in place, and stamps later replies with `version`.

        Raises:
            ValueError: `model` has other parameters.
        """
        if model is not self.model:
            copy_weights(model, self.model)
        self.policy_version = version

    def rest(self) -> None:
        """Nothing to give back."""

    def close(self) -> None:
        """Nothing to free: the weights belong to whoever holds the model."""

    def _checked(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        if not 0 < len(ids) < self.context:
            raise ValueError(
                f"a prompt of {len(ids)} tokens does not fit the model's context of {self.context} with room for a reply; "
                "show fewer references, lower Sampling.max_new_tokens of the proposer, or load a model with a longer context."
            )
        return ids

    def _decode(self, rows: Sequence[_Row], distinct: Sequence[tuple[int, ...]], sampling: Sampling) -> None:
        """Gives every row of one batch its reply."""
        used = list(dict.fromkeys(row.prompt for row in rows))
        where = {prompt: place for place, prompt in enumerate(used)}
        uniforms_RS = torch.zeros(len(rows), max(row.limit for row in rows), dtype=torch.float64)
        for index, row in enumerate(rows):
            uniforms_RS[index, : row.limit] = torch.from_numpy(np.random.Generator(np.random.PCG64(row.seed)).random(row.limit))
        wanted = Wanted(
            prompts=tuple(distinct[prompt] for prompt in used),
            owners=tuple(where[row.prompt] for row in rows),
            limits=tuple(row.limit for row in rows),
            uniforms_RS=uniforms_RS,
        )
        counts: Counter[str] = Counter()
        spoken = decode(
            self.model,
            wanted,
            sampling,
            ends=self.ends,
            context=self.context,
            prefill_tokens=self.prefill_tokens,
            counts=counts,
        )
        with self._counting:
            self.counts.update(counts)
        for row, (token_ids, logprobs) in zip(rows, spoken, strict=True):
            row.reply = self._reply(distinct[row.prompt], token_ids, logprobs)

    def _reply(self, prompt_ids: tuple[int, ...], token_ids: tuple[int, ...], logprobs: tuple[float, ...]) -> Reply:
        ended = token_ids[-1] in self.ends
        text = self.tokenizer.decode(list(token_ids[:-1] if ended else token_ids), clean_up_tokenization_spaces=False)
        assert isinstance(text, str)
        return Reply(
            text=text,
            finish_reason="stop" if ended else "length",
            prompt_ids=prompt_ids,
            token_ids=token_ids,
            logprobs=logprobs,
            policy_version=self.policy_version,
        )

    def _count(self, batches: Sequence[Sequence[_Row]], distinct: Sequence[tuple[int, ...]], seconds: float) -> None:
        """Prompt tokens once per distinct prompt; those read again, since their rows fell into several batches, apart."""
        read = [prompt for batch in batches for prompt in {row.prompt for row in batch}]
        once = sum(len(distinct[prompt]) for prompt in set(read))
        totals: Any = self.counts  # one entry is no whole number
        with self._counting:
            totals["prompt_tokens"] += once
            totals["reread_tokens"] += sum(len(distinct[prompt]) for prompt in read) - once
            totals["generate_s"] += seconds


@torch.no_grad()
def copy_weights(source: PreTrainedModel, target: PreTrainedModel) -> None:
    """Copies every parameter in place, across devices and dtypes.

    Raises:
        ValueError: The parameters differ in a name or a shape; then nothing was copied.
    """
    theirs, mine = dict(source.named_parameters()), dict(target.named_parameters())
    shapes = ({name: tuple(p.shape) for name, p in own.items()} for own in (theirs, mine))
    odd = sorted(name for name, _ in set.symmetric_difference(*(set(own.items()) for own in shapes)))
    if odd:
        raise ValueError(
            f"the sampler cannot take over these weights: parameter {odd[0]!r} is not in both models with one shape; "
            "open the sampler on the learner's model (learner.model), with the same lora_rank and adapters."
        )
    for name, p in mine.items():
        p.copy_(theirs[name])
