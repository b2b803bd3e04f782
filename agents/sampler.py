"""Samplers turn prompts into replies: the protocol that all follow, and a scripted double for tests.

What answers: `TransformersSampler` here, `VllmSampler` with the extra of that name, `EndpointSampler` over HTTP; `open_sampler`
takes them by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import Reply

from .adapter_view import AdapterView
from .chat import Prompt, end_ids, render_prompt
from .picking import pick_tokens
from .sampling import Sampling
from .transformers_sampler import TransformersSampler

__all__ = ["Prompt", "Sampler", "ScriptedSampler", "TransformersSampler", "end_ids", "pick_tokens", "render_prompt"]


class Sampler(Protocol):
    """Answers prompts. Each seed asks for one reply; the order of prompts is kept."""

    @property
    def policy_version(self) -> int:
        """Stamped on every reply; `receive` raises it."""
        ...

    @policy_version.setter
    def policy_version(self, version: int) -> None: ...

    @property
    def counts(self) -> Counter[str]:
        """Running totals since the sampler was made.

        prompt_tokens, prompt_slots: tokens of distinct prompts; positions computed for them, padding included. A prompt whose
        replies were split over batches is computed again: `reread_tokens`, part of the slots.
        reply_tokens, reply_slots: tokens of replies; tokens drawn, those behind a finished reply included.
        generate_s: seconds spent in `act`, a float.
        """
        ...

    def act(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One list per prompt, with one reply per seed of that prompt."""
        ...

    def receive(self, model: PreTrainedModel, version: int) -> None:
        """Takes over the weights of `model` and stamps later replies with `version`."""
        ...

    def speaking_as(self, adapter: str) -> Sampler:
        """A view that answers with that adapter (see `agents.adapters`); weights, version and counts are shared."""
        ...

    def rest(self) -> None:
        """Gives memory back to the learner until the next call, where it can; nobody speaks through it meanwhile."""
        ...

    def close(self) -> None:
        """Frees engines and processes; safe to call twice."""
        ...


class ScriptedSampler:
    """Says given texts in order, or what a function makes of (prompt, seed). A public double.

    Args:
        script: The texts, or the function.
        tokenizer: With it replies carry tokens, as if the text (and the end token, where the tokenizer has one) had been
            sampled with certainty: every log-probability is 0.0. A learner can then be trained on a script; a loss that
            divides by the sampler's probability sees ratios far below 1. Without it replies carry no tokens and train nothing.
    """

    def __init__(
        self, script: Iterable[str] | Callable[[Prompt, int], str], tokenizer: PreTrainedTokenizerBase | None = None
    ) -> None:
        self.policy_version = 0
        self.counts: Counter[str] = Counter()
        self.prompts: list[Prompt] = []
        """Every prompt it was asked, for tests."""
        self.adapters: list[str | None] = []
        """For each of them the adapter that was to answer; None where the sampler itself was asked."""
        self._script = script if callable(script) else iter(script)
        self._tokenizer = tokenizer

    def act(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One scripted reply per seed; `sampling` changes nothing.

        Raises:
            ValueError: The script is over.
        """
        return self._say_all(None, prompts, seeds)

    def act_as(
        self, adapter: str, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[list[Reply]]:
        """The same, noting the adapter."""
        return self._say_all(adapter, prompts, seeds)

    def speaking_as(self, adapter: str) -> AdapterView:
        """A view that goes on in the same script."""
        return AdapterView(self, adapter)

    def receive(self, model: PreTrainedModel, version: int) -> None:
        """Stamps later replies with `version`."""
        self.policy_version = version

    def rest(self) -> None:
        """Nothing to give back."""

    def close(self) -> None:
        """Nothing to free."""

    def _say_all(self, adapter: str | None, prompts: Sequence[Prompt], seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        self.prompts.extend(prompts)
        self.adapters.extend([adapter] * len(prompts))
        return [
            [self._reply(prompt, self._say(prompt, seed)) for seed in own] for prompt, own in zip(prompts, seeds, strict=True)
        ]

    def _say(self, prompt: Prompt, seed: int) -> str:
        if callable(self._script):
            return self._script(prompt, seed)
        for text in self._script:
            return text
        raise ValueError("the script is over but another reply is wanted; give ScriptedSampler more texts.")

    def _reply(self, prompt: Prompt, text: str) -> Reply:
        if self._tokenizer is None:
            return Reply(text=text, policy_version=self.policy_version)
        asked = tuple(render_prompt(self._tokenizer, prompt))
        end = self._tokenizer.eos_token_id
        said = (*self._tokenizer(text, add_special_tokens=False)["input_ids"], *([end] if isinstance(end, int) else []))
        for name, own in (("prompt", asked), ("reply", said)):
            self.counts[f"{name}_tokens"] += len(own)
            self.counts[f"{name}_slots"] += len(own)
        return Reply(
            text=text,
            prompt_ids=asked,
            token_ids=said,
            logprobs=(0.0,) * len(said),
            policy_version=self.policy_version,
        )
