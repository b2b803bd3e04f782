"""A sampler that draws no reply twice: what was sampled before is read from a file, and only the rest is asked for.

A key is a hash of all that decides a reply: policy, adapter, prompt, sampling and seed (at temperature 0 nothing is drawn, so
that the seed does not count).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from selfplay_envs import Reply

from ..config.sampler import parse_sampler
from ..config.sampling import Sampling
from ..models.chat import Prompt
from ..models.weights import Weights
from .base import Sampler
from .fitting import NO_ROOM, generate_fitting
from .reply_store import ReplyStore
from .wrapped import WrappedSampler

WITHOUT_EFFECT = (
    *("max_rows", "prefill_tokens", "copy"),
    *("key_env", "parallel", "timeout_s", "retries"),
    *("gpu_memory_utilization", "kv_cache_gib", "restarts", "hang_s", "sleep"),
)
"""Options of samplers that change a reply by rounding at most; all others are part of the key."""


def policy_key(sampler: str, fingerprint: str) -> str:
    """What a policy's replies are stored under: the sampler without the options that do not matter, and the model.

    Args:
        sampler: Its text; an endpoint's names the url and the model there.
        fingerprint: See `agents.models.fingerprint`; empty with an endpoint.
    """
    name, options = parse_sampler(sampler)
    return json.dumps([name, {key: options[key] for key in sorted(options) if key not in WITHOUT_EFFECT}, fingerprint])


class CachedSampler(WrappedSampler):
    """Answers from a store, and asks another sampler for what is missing, in small batches that are stored at once.

    Replies carry no tokens, stored or new, so that nothing can be trained on them. Prompts of similar length are asked
    together; who is in a batch changes a reply by rounding alone.

    Args:
        inner: The other one; closed with this one, which leaves the store open.
        store: Of the replies; several samplers may share it.
        policy: See `policy_key`.
        batch: Replies asked for and stored at a time: what a kill may lose.
        on_replies: Called with (stored, drawn) as replies are found in the store, and after every batch.
    """

    def __init__(
        self,
        inner: Sampler,
        store: ReplyStore,
        policy: str,
        *,
        batch: int = 64,
        on_replies: Callable[[int, int], None] | None = None,
    ) -> None:
        if batch < 1:
            raise ValueError(f"batch={batch!r} must be at least 1.")
        super().__init__(inner)
        self.store, self.policy, self.batch = store, policy, batch
        self._on_replies = on_replies or (lambda stored, drawn: None)

    def key(self, prompt: Prompt, sampling: Sampling, seed: int) -> str:
        """The name of a reply in the store, 32 hex digits."""
        messages = [[message.role, message.content] for message in prompt]
        drawn = [sampling.temperature, sampling.top_p, sampling.max_new_tokens, seed if sampling.temperature else None]
        return hashlib.sha256(json.dumps([self.policy, messages, drawn]).encode()).hexdigest()[:32]

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One reply per seed; where a prompt is too long, an empty one that is not stored (see `generate_fitting`)."""
        asked = [(prompt, seed) for prompt, of_prompt in zip(prompts, seeds, strict=True) for seed in of_prompt]
        keys = [self.key(prompt, sampling, seed) for prompt, seed in asked]
        missing = {key: pair for key, pair in zip(keys, asked, strict=True) if key not in self.store}
        self._on_replies(len(keys) - len(missing), 0)
        ordered = sorted(missing.items(), key=lambda item: _length(item[1][0]))
        refused: dict[str, Reply] = {}
        for start in range(0, len(ordered), self.batch):
            refused |= self._draw(dict(ordered[start : start + self.batch]), sampling)
        replies = iter([refused.get(key) or self.store[key] for key in keys])
        return [[next(replies) for _ in of_prompt] for of_prompt in seeds]

    def load_weights(self, weights: Weights) -> None:
        """Refuses: stored replies are those of the weights that the policy's key names.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"a cached sampler has the replies of one set of weights; make another for version {weights.version}.")

    def with_adapter(self, adapter: str) -> CachedSampler:
        """The same with an adapter of the other sampler; the store is shared."""
        policy = json.dumps([self.policy, adapter])
        return CachedSampler(
            self.inner.with_adapter(adapter), self.store, policy, batch=self.batch, on_replies=self._on_replies
        )

    def _draw(self, missing: dict[str, tuple[Prompt, int]], sampling: Sampling) -> dict[str, Reply]:
        """Asks for one batch and stores it; returns what was refused."""
        keys_of: dict[Prompt, list[str]] = {}
        for key, (prompt, _) in missing.items():
            keys_of.setdefault(prompt, []).append(key)
        seeds = [[missing[key][1] for key in keys] for keys in keys_of.values()]
        groups = generate_fitting(self.inner, list(keys_of), sampling, seeds)
        pairs = [
            pair for keys, replies in zip(keys_of.values(), groups, strict=True) for pair in zip(keys, replies, strict=True)
        ]
        refused = {key: reply for key, reply in pairs if reply.finish_reason == NO_ROOM}
        self.store.add([(key, reply) for key, reply in pairs if key not in refused])
        self._on_replies(0, len(pairs))
        return refused


def _length(prompt: Prompt) -> int:
    """Characters of a prompt."""
    return sum(len(message.content) for message in prompt)
