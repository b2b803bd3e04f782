"""Proof that a sampler speaks with the learner's weights: its log-probabilities against the learner's, and that they moved.

    gap     max over drawn tokens of |sampler's log-probability - learner's|
    move    max over the tokens drawn at an earlier version of |learner's log-probability now - then|
    echo    max over the same tokens of |sampler's now - then|, where it draws the same tokens again

A sampler with other weights, another temperature or another adapter has a gap. Steps of training can be smaller than the gap
that coarse arithmetic needs: weights that were never handed over show in an echo of nearly 0 while the learner moves.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from selfplay_envs import Message, Reply

from .adapters import BASE, adapter_names
from .batch import Sample, Tag, TokenBatch, collate
from .errors import SyncError
from .learner import Learner
from .sampler import Sampler
from .sampling import Sampling
from .seeding import seed_of

PROMPT = (Message("user", "Say something."),)
REPLIES = 4
TOKENS = 12
"""Of each reply at most."""
LEAST_MOVE = 0.01
"""Share of the tolerance that the learner must have moved by before an echo tells anything: less is lost in arithmetic."""
STILL = 0.1
"""An echo below this share of the learner's move is none of a sampler that followed."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a voice said at the version when it last moved."""

    version: int
    replies: tuple[Reply, ...]
    batch: TokenBatch
    learner_BT: Tensor
    """The learner's log-probabilities then."""


class SyncCheck:
    """Asks a sampler a fixed prompt with fixed seeds after it was given weights.

    Args:
        tokenizer: Of the model.
        temperature: The one that episodes are sampled with.
        tolerance: Largest gap in nats that arithmetic explains: 1e-3 where both compute in float32, 0.3 where one computes in
            bfloat16.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, temperature: float, tolerance: float) -> None:
        self.tolerance = tolerance
        self._sampling = Sampling(temperature=temperature, max_new_tokens=TOKENS)
        self._pad = tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else 0
        self._seen: dict[str, _Seen] = {}

    def check(self, learner: Learner, sampler: Sampler) -> dict[str, float]:
        """Compares every voice that trains: the shared one, or one per adapter.

        Returns:
            `sync_gap`, the largest gap in nats; `sync_unchecked` 1.0 instead where the replies carry no tokens.

        Raises:
            SyncError: The sampler speaks with other weights, at another temperature, or stamps another version.
        """
        per_role = learner.config.adapters == "per-role"
        gaps = [
            self._check_voice(name, learner, sampler.speaking_as(name) if per_role else sampler)
            for name in (adapter_names(learner.model) if per_role else ("",))
            if name != BASE
        ]
        known = [gap for gap in gaps if gap is not None]
        return {"sync_gap": max(known)} if known else {"sync_unchecked": 1.0}

    def _check_voice(self, name: str, learner: Learner, sampler: Sampler) -> float | None:
        """The gap of one voice; None where its replies carry no tokens."""
        [drawn] = sampler.act([PROMPT], self._sampling, [[seed_of("sync check", name, index) for index in range(REPLIES)]])
        replies = tuple(drawn)
        if not all(reply.token_ids for reply in replies):
            return None
        voice = f"with adapter {name!r}" if name else "it"
        wrong = {reply.policy_version for reply in replies} - {learner.policy_version}
        if wrong:
            raise SyncError(
                f"the sampler stamps its replies with policy version {min(wrong)}, the learner is at {learner.policy_version}; "
                "call Learner.sync(sampler) after every update, and let Sampler.receive keep the version it is given."
            )
        batch = collate([Sample(reply, 0.0, Tag(role=name)) for reply in replies], self._pad)
        learner_BT = learner.logprobs(batch)
        self._refuse_echo(name, voice, learner, replies)
        gap = float((learner_BT - batch.logprobs_BT)[batch.mask_BT].abs().max())
        if not gap <= self.tolerance:  # also refuses NaN
            raise SyncError(
                f"the sampler is not the learner: at policy version {learner.policy_version} {voice} gives a token a "
                f"log-probability that differs by {gap:.3g} nats from the learner's, more than {self.tolerance:g}; it may hold "
                "other weights or another temperature, or compute in a coarser dtype (then raise TrainConfig.sync_tolerance)."
            )
        if name not in self._seen or self._moved(name, replies):
            self._seen[name] = _Seen(learner.policy_version, replies, batch, learner_BT)
        return gap

    def _refuse_echo(self, name: str, voice: str, learner: Learner, replies: tuple[Reply, ...]) -> None:
        """Raises `SyncError` where the learner has moved since the voice last did, and the voice has not."""
        seen = self._seen.get(name)
        if seen is None or seen.version == learner.policy_version or _tokens(replies) != _tokens(seen.replies):
            return
        move = float((learner.logprobs(seen.batch) - seen.learner_BT).abs().max())
        if move > LEAST_MOVE * self.tolerance and _distance(replies, seen.replies) < STILL * move:
            raise SyncError(
                f"the sampler still speaks with the weights of policy version {seen.version}: up to version "
                f"{learner.policy_version} the learner's log-probabilities moved by {move:.3g} nats, those of {voice} by "
                f"{_distance(replies, seen.replies):.3g}; let Sampler.receive take over the weights, and forget cached prompts."
            )

    def _moved(self, name: str, replies: tuple[Reply, ...]) -> bool:
        """Whether a voice says something else than it did; small moves add up against the version that is remembered."""
        before = self._seen[name].replies
        return _tokens(replies) != _tokens(before) or _distance(replies, before) > LEAST_MOVE * self.tolerance


def _tokens(replies: tuple[Reply, ...]) -> list[tuple[int, ...]]:
    return [reply.token_ids for reply in replies]


def _distance(replies: tuple[Reply, ...], others: tuple[Reply, ...]) -> float:
    """Largest difference of two log-probabilities of the same token."""
    pairs = zip(replies, others, strict=True)
    return max(abs(x - y) for one, other in pairs for x, y in zip(one.logprobs, other.logprobs, strict=True))
