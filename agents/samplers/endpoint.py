"""A remote model as a sampler: any server that answers OpenAI's chat completions. For evaluation and for opponents.

Its replies carry no tokens, so a learner can train nothing from them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from selfplay_envs import Reply
from selfplay_envs.core.text import clean_text

from ..config.sampling import Sampling
from ..core.errors import EndpointError, PromptRefused, PromptTooLong
from ..models.adapters import SHARED
from ..models.chat import Prompt
from ..models.weights import Weights
from .chat_client import ChatClient
from .deprecated import DeprecatedNames
from .stats import SamplerStats

T = TypeVar("T")
FINISH_REASONS = {"length": "length", "max_tokens": "length", "content_filter": "length"}
"""Reasons of servers for a reply that was cut off; with any other one it ended."""


class EndpointSampler(DeprecatedNames):
    """Sends an endpoint one request per reply, some at a time.

    Same weights, prompt and seed give the same reply only where the server keeps that promise.

    Args:
        url: Of the API, such as `http://localhost:8000/v1`; also with `/chat/completions` behind it.
        model: The server's name for the model.
        key_env: Environment variable that holds the key; empty: none is sent.
        parallel: Requests in flight.
        timeout_s: Seconds without a byte from the server after which a request is given up.
        retries: Further tries after 429, 5xx, a broken connection or a timeout, with growing pauses.
        limit_field: The server's name for the number of new tokens; newer OpenAI models want `max_completion_tokens`.
        send_seed: Send a seed; some servers refuse it.

    Raises:
        ModelUnavailable: The package `openai` is not installed.
        ValueError: `url` is not one, or the environment variable is not set.
    """

    def __init__(
        self,
        *,
        url: str,
        model: str,
        key_env: str = "",
        parallel: int = 8,
        timeout_s: float = 120.0,
        retries: int = 3,
        limit_field: str = "max_tokens",
        send_seed: bool = True,
    ) -> None:
        if parallel < 1:
            raise ValueError(f"endpoint parallel={parallel!r} must be at least 1.")
        self.policy_version = 0
        self.stats = SamplerStats()
        self.model_name = model
        self._client = ChatClient(url, key_env=key_env, timeout_s=timeout_s, retries=retries)
        self._parallel = parallel
        self._limit_field = limit_field
        self._send_seed = send_seed
        self._counting = threading.Lock()

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One reply per seed, in order; the first failure ends the call, and requests not yet sent are dropped.

        Raises:
            EndpointError: The endpoint cannot be reached, refuses, or answers nonsense.
            PromptTooLong: It has no room for some prompts, and has answered the others.
        """
        places = [place for place, prompt_seeds in enumerate(seeds) for _ in prompt_seeds]
        answers = self._send(prompts, sampling, seeds, self._reply_or_too_long)
        too_long = {place: answer for place, answer in zip(places, answers, strict=True) if isinstance(answer, PromptTooLong)}
        if too_long:
            raise PromptTooLong(str(next(iter(too_long.values()))), sorted(too_long))
        replies = iter([answer for answer in answers if isinstance(answer, Reply)])
        return [[next(replies) for _ in prompt_seeds] for prompt_seeds in seeds]

    def answers(
        self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[Reply | PromptTooLong | PromptRefused]:
        """One reply per seed, all in a row, or the error that a prompt met: for texts of others, of which any may be refused.

        Raises:
            EndpointError: The endpoint cannot be reached, or answers nonsense.
        """
        return self._send(prompts, sampling, seeds, self._reply_or_refusal)

    def load_weights(self, weights: Weights) -> None:
        """Stamps later replies with the version of `weights`; the server keeps its own."""
        self.policy_version = weights.version

    def with_adapter(self, adapter: str) -> EndpointSampler:
        """Itself, for the shared adapter.

        Raises:
            ValueError: It is another adapter.
        """
        if adapter != SHARED:
            raise ValueError(
                f"adapter={adapter!r} is not at {self._client.shown}, which uses its own weights; use the endpoint for "
                "roles that are not trained."
            )
        return self

    def release_memory(self) -> None:
        """Nothing to give back."""

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _send(
        self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]], ask: Callable[[dict[str, Any]], T]
    ) -> list[T]:
        """What `ask` makes of every request, in order; its first error ends the call, and requests not yet sent are dropped."""
        pairs = [(prompt, seed) for prompt, prompt_seeds in zip(prompts, seeds, strict=True) for seed in prompt_seeds]
        bodies = [self._body(prompt, sampling, seed) for prompt, seed in pairs]
        pool = ThreadPoolExecutor(self._parallel, thread_name_prefix="endpoint")
        try:
            return list(pool.map(ask, bodies))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _reply_or_too_long(self, body: dict[str, Any]) -> Reply | PromptTooLong:
        try:
            return self._reply(self._client.post(body))
        except PromptTooLong as error:
            return error

    def _reply_or_refusal(self, body: dict[str, Any]) -> Reply | PromptTooLong | PromptRefused:
        try:
            return self._reply_or_too_long(body)
        except PromptRefused as error:
            return error

    def _body(self, prompt: Prompt, sampling: Sampling, seed: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model_name,
            "messages": [{"role": message.role, "content": message.content} for message in prompt],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self._limit_field: sampling.max_new_tokens,
        }
        return {**body, "seed": seed % (1 << 31)} if self._send_seed else body  # many servers keep it in 32 bits

    def _reply(self, answer: Mapping[str, Any]) -> Reply:
        """The reply in an answer, of which nothing is taken on trust.

        Raises:
            EndpointError: It holds none.
        """
        choices = answer.get("choices")
        choice: Any = choices[0] if isinstance(choices, list) and choices else None
        message: Any = choice.get("message") if isinstance(choice, dict) else None
        text: Any = message.get("content", "") if isinstance(message, dict) else None
        if isinstance(message, dict) and text is None:  # a refusal, or a call of a tool that it was not offered
            text = ""
        if not isinstance(text, str):
            raise EndpointError(
                f"endpoint {self._client.shown} answered without choices[0].message.content; is it a chat completions API?"
            )
        usage = answer.get("usage")
        for name, field in (("prompt", "prompt_tokens"), ("reply", "completion_tokens")):
            count: Any = usage.get(field) if isinstance(usage, dict) else None
            if isinstance(count, int) and 0 <= count < 1 << 32:
                with self._counting:
                    self.stats.add(**{f"{name}_tokens": count, f"{name}_slots": count})
        reason: Any = choice.get("finish_reason")
        return Reply(
            text=clean_text(text),
            finish_reason=FINISH_REASONS.get(reason, "stop") if isinstance(reason, str) else "stop",
            policy_version=self.policy_version,
        )
