"""A scripted double of a sampler, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from transformers import PreTrainedTokenizerBase

from selfplay_envs import Reply

from ..config.sampling import Sampling
from ..models.chat import Prompt, render_prompt
from ..models.weights import Weights
from .adapter_view import AdapterView
from .deprecated import DeprecatedNames
from .stats import SamplerStats


class ScriptedSampler(DeprecatedNames):
    """Replies with given texts in order, or with what a function makes of (prompt, seed). A public double.

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
        self.stats = SamplerStats()
        self.prompts: list[Prompt] = []
        """Every prompt so far, for tests."""
        self.adapters: list[str | None] = []
        """For each of them the adapter that was to answer; None where there was none."""
        self._script = script if callable(script) else iter(script)
        self._tokenizer = tokenizer

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One scripted reply per seed; `sampling` changes nothing.

        Raises:
            ValueError: The script is over.
        """
        return self._generate_with(None, prompts, sampling, seeds)

    def with_adapter(self, adapter: str) -> AdapterView:
        """A view that goes on in the same script."""
        return AdapterView(self, adapter, self._generate_with)

    def load_weights(self, weights: Weights) -> None:
        """Stamps later replies with the version of `weights`."""
        self.policy_version = weights.version

    def release_memory(self) -> None:
        """Nothing to give back."""

    def close(self) -> None:
        """Nothing to free."""

    def _generate_with(
        self, adapter: str | None, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[list[Reply]]:
        self.prompts.extend(prompts)
        self.adapters.extend([adapter] * len(prompts))
        return [
            [self._reply(prompt, self._next_text(prompt, seed)) for seed in prompt_seeds]
            for prompt, prompt_seeds in zip(prompts, seeds, strict=True)
        ]

    def _next_text(self, prompt: Prompt, seed: int) -> str:
        if callable(self._script):
            return self._script(prompt, seed)
        for text in self._script:
            return text
        raise ValueError("the script is over but another reply is wanted; give ScriptedSampler more texts.")

    def _reply(self, prompt: Prompt, text: str) -> Reply:
        if self._tokenizer is None:
            return Reply(text=text, policy_version=self.policy_version)
        prompt_ids = tuple(render_prompt(self._tokenizer, prompt))
        end = self._tokenizer.eos_token_id
        token_ids = (*self._tokenizer(text, add_special_tokens=False)["input_ids"], *([end] if isinstance(end, int) else []))
        self.stats.add(prompt_tokens=len(prompt_ids), prompt_slots=len(prompt_ids))
        self.stats.add(reply_tokens=len(token_ids), reply_slots=len(token_ids))
        return Reply(
            text=text,
            prompt_ids=prompt_ids,
            token_ids=token_ids,
            logprobs=(0.0,) * len(token_ids),
            policy_version=self.policy_version,
        )
