"""Proof that a sampler speaks with the learner's weights: its log-probabilities against the learner's, and that they moved.

    gap     mean over drawn tokens of |sampler's log-probability - learner's|; and the largest of them
    move    mean over the tokens drawn at an earlier version of |learner's log-probability now - then|
    echo    mean over the same tokens of |sampler's now - then|, where it draws the same tokens again

A sampler with other weights, another temperature or another adapter has a gap. In bfloat16 so has one with the same weights:
of SmolLM2, between decoding with a cache and reading whole replies, 0.04 nats in the mean and up to 0.4 on a single token. So
the mean is what is judged there, and single tokens loosely. Steps of training can be smaller than the gap that coarse
arithmetic needs: weights that were never handed over show in an echo of nearly 0 while the learner moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

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
REPLIES = 8
TOKENS = 12
"""Of each reply at most: with 96 in all a mean of bfloat16's noise stays near 0.04."""
COARSE_SPREAD = 20.0
"""How many times the mean a single token may differ by in bfloat16; float32 has no such tail."""
LEAST_MOVE = 0.01
"""Share of the tolerance that the learner must have moved by before an echo tells anything: less is lost in arithmetic."""
STILL = 0.1
"""An echo below this share of the learner's move is none of a sampler that followed."""
SILENT = 1e-6
"""Nats: in bfloat16 only such an echo is none. There the learner moves by noise, however little it learned, and a sampler that
follows in float32 shows that little alone."""


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
        tolerance: Largest mean gap in nats that arithmetic explains: 1e-3 where both compute in float32, 0.1 where one computes
            in bfloat16.
        spread: How many times as much a single token may differ by: 1 in float32, `COARSE_SPREAD` in bfloat16.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, temperature: float, tolerance: float, *, spread: float = 1.0
    ) -> None:
        self.tolerance = tolerance
        self.spread = spread
        self._sampling = Sampling(temperature=temperature, max_new_tokens=TOKENS)
        self._pad = tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else 0
        self._seen: dict[str, _Seen] = {}

    def check(self, learner: Learner, sampler: Sampler) -> dict[str, float]:
        """Compares every voice that trains: the shared one, or one per adapter.

        Returns:
            `sync_gap`, the largest gap of a token in nats, and `sync_gap_mean`, the mean, of the voice where it is largest;
            `sync_unchecked` 1.0 instead where the replies carry no tokens.

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
        if not known:
            return {"sync_unchecked": 1.0}
        return {"sync_gap": max(largest for _, largest in known), "sync_gap_mean": max(mean for mean, _ in known)}

    def _check_voice(self, name: str, learner: Learner, sampler: Sampler) -> tuple[float, float] | None:
        """Mean and largest gap of one voice; None where its replies carry no tokens."""
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
        gap_N = (learner_BT - batch.logprobs_BT)[batch.mask_BT].abs()
        mean, largest = float(gap_N.mean()), float(gap_N.max())
        if not (mean <= self.tolerance and largest <= self.spread * self.tolerance):  # also refuses NaN
            raise SyncError(
                f"the sampler is not the learner: at policy version {learner.policy_version} {voice} gives tokens "
                f"log-probabilities that differ from the learner's by {mean:.3g} nats in the mean and by up to {largest:.3g}, "
                f"more than {self.tolerance:g} or {self.spread * self.tolerance:g}; it may hold other weights or another "
                "temperature, or compute in a coarser dtype (then raise TrainConfig.sync_tolerance)."
            )
        if name not in self._seen or self._moved(name, replies):
            self._seen[name] = _Seen(learner.policy_version, replies, batch, learner_BT)
        return mean, largest

    def _refuse_echo(self, name: str, voice: str, learner: Learner, replies: tuple[Reply, ...]) -> None:
        """Raises `SyncError` where the learner has moved since the voice last did, and the voice has not."""
        seen = self._seen.get(name)
        if seen is None or seen.version == learner.policy_version or _tokens(replies) != _tokens(seen.replies):
            return
        move = float((learner.logprobs(seen.batch) - seen.learner_BT)[seen.batch.mask_BT].abs().mean())
        still = STILL * move if self.spread == 1 else SILENT
        if move > LEAST_MOVE * self.tolerance and _distance(replies, seen.replies) < still:
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
    """Mean difference of two log-probabilities of the same token."""
    pairs = zip(replies, others, strict=True)
    return fmean(abs(x - y) for one, other in pairs for x, y in zip(one.logprobs, other.logprobs, strict=True))
