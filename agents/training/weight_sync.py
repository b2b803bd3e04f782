"""The learner's weights on their way to the sampler, and the proof that it samples with them.

The proof is a fixed prompt with fixed seeds after every push:

    gap     mean over sampled tokens of |sampler's log-probability - learner's|; and the largest of them
    move    mean over the tokens sampled at an earlier version of |learner's log-probability now - then|
    echo    mean over the same tokens of |sampler's now - then|, where it samples the same tokens again

A sampler with other weights, another temperature or another adapter has a gap. In bfloat16 so has one with the same weights:
of SmolLM2, between decoding with a cache and reading whole replies, 0.04 nats in the mean and up to 0.4 on a single token. So
the mean is what is judged there, and single tokens loosely. Steps of training can be smaller than the gap that coarse
arithmetic needs: weights that were never loaded show in an echo of nearly 0 while the learner moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from selfplay_envs import Message, Reply

from ..batching.batch import Sample, Tag, TokenBatch, collate
from ..config.run import TrainConfig
from ..config.sampler import parse_sampler
from ..config.sampling import Sampling
from ..core.errors import LossNotFinite, SyncError
from ..core.seeding import seed_of
from ..learner.learner import Learner
from ..models.adapters import BASE, adapter_names
from ..models.weights import weights_of
from ..samplers.base import Sampler
from ..samplers.deprecated import with_current_names

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


class WeightSync:
    """Gives a sampler the learner's weights: checked, loaded and proved in one step.

    The loop's contract. `push` is called between two updates, in the thread that updates: its tensors are the learner's own,
    and the sampler has taken them over when it returns. Nobody may sample meanwhile: episodes that are played ahead, by the
    weights of before, are awaited first. Afterwards every policy that trains, the shared one or one per adapter, is proved to
    give the learner's log-probabilities, and its replies carry the learner's `policy_version`. Where a push fails the sampler
    may hold either weights, so nothing may be sampled; the run ends, and its last checkpoint is whole.

    Args:
        learner: Whose weights.
        sampler: Loads them.
        check: The proof.
    """

    def __init__(self, learner: Learner, sampler: Sampler, check: SyncCheck) -> None:
        self.learner = learner
        self.sampler = with_current_names(sampler)
        self.check = check
        self.metrics: dict[str, float] = {}
        """Of the last push; see `SyncCheck.check`."""

    def push(self) -> dict[str, float]:
        """Loads and proves the learner's weights, where the sampler has others or was never proved; returns `metrics`.

        Raises:
            LossNotFinite: The weights are no numbers any more; the sampler has not been given them.
            SyncError: The sampler uses others all the same.
        """
        if not self.metrics or self.sampler.policy_version != self.learner.policy_version:
            if not all(bool(weight.isfinite().all()) for weight in self.learner.trainable.values()):
                raise LossNotFinite("the weights are no longer finite after the update.")
            self.sampler.load_weights(weights_of(self.learner.model, self.learner.policy_version))
            self.metrics = self.check.check(self.learner, self.sampler)
        return self.metrics


def sync_check(config: TrainConfig, tokenizer: PreTrainedTokenizerBase) -> SyncCheck:
    """The proof for a run, with the config's tolerance, or what arithmetic explains: see `TrainConfig.sync_tolerance`."""
    name, options = parse_sampler(config.sampler)
    engine = name != "transformers"
    coarse = config.learner.dtype == "bfloat16" or (engine and options.get("dtype") != "float32")
    tolerance = config.sync_tolerance or (0.1 if coarse else 1e-2 if engine else 1e-3)
    return SyncCheck(tokenizer, config.sampling.temperature, tolerance, spread=COARSE_SPREAD if coarse else 1.0)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The replies of a policy at the version when it last moved."""

    version: int
    replies: tuple[Reply, ...]
    batch: TokenBatch
    learner_BT: Tensor
    """The learner's log-probabilities then."""


class SyncCheck:
    """Compares a sampler with the learner on a fixed prompt with fixed seeds.

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
        self._answers: dict[str, _Answers] = {}

    def check(self, learner: Learner, sampler: Sampler) -> dict[str, float]:
        """Compares every policy that trains: the shared one, or one per adapter.

        Returns:
            `sync_gap`, the largest gap of a token in nats, and `sync_gap_mean`, the mean, of the policy where it is largest;
            `sync_unchecked` 1.0 instead where the replies carry no tokens.

        Raises:
            SyncError: The sampler uses other weights, another temperature, or stamps another version.
        """
        per_role = learner.config.adapters == "per-role"
        gaps = [
            self._check_policy(name, learner, sampler.with_adapter(name) if per_role else sampler)
            for name in (adapter_names(learner.model) if per_role else ("",))
            if name != BASE
        ]
        known = [gap for gap in gaps if gap is not None]
        if not known:
            return {"sync_unchecked": 1.0}
        return {"sync_gap": max(largest for _, largest in known), "sync_gap_mean": max(mean for mean, _ in known)}

    def _check_policy(self, name: str, learner: Learner, sampler: Sampler) -> tuple[float, float] | None:
        """Mean and largest gap of one policy, by the name of its adapter; None where its replies carry no tokens."""
        seeds = [seed_of("sync check", name, index) for index in range(REPLIES)]
        replies = tuple(sampler.generate([PROMPT], self._sampling, [seeds])[0])
        if not all(reply.token_ids for reply in replies):
            return None
        policy = f"with adapter {name!r}" if name else "it"
        _refuse_stamp(learner, replies)
        batch = collate([Sample(reply, 0.0, Tag(role=name)) for reply in replies], self._pad)
        learner_BT = learner.logprobs(batch)
        self._refuse_echo(name, policy, learner, replies)
        gap_N = (learner_BT - batch.logprobs_BT)[batch.mask_BT].abs()
        mean, largest = float(gap_N.mean()), float(gap_N.max())
        if not (mean <= self.tolerance and largest <= self.spread * self.tolerance):  # also refuses NaN
            raise SyncError(
                f"the sampler is not the learner: at policy version {learner.policy_version} {policy} gives tokens "
                f"log-probabilities that differ from the learner's by {mean:.3g} nats in the mean and by up to {largest:.3g}, "
                f"more than {self.tolerance:g} or {self.spread * self.tolerance:g}; it may hold other weights or another "
                "temperature, or compute in a coarser dtype (then raise TrainConfig.sync_tolerance)."
            )
        if name not in self._answers or self._moved(name, replies):
            self._answers[name] = _Answers(learner.policy_version, replies, batch, learner_BT)
        return mean, largest

    def _refuse_echo(self, name: str, policy: str, learner: Learner, replies: tuple[Reply, ...]) -> None:
        """Raises `SyncError` where the learner has moved since the policy last did, and the policy has not."""
        before = self._answers.get(name)
        if before is None or before.version == learner.policy_version or _tokens(replies) != _tokens(before.replies):
            return
        move = float((learner.logprobs(before.batch) - before.learner_BT)[before.batch.mask_BT].abs().mean())
        still = STILL * move if self.spread == 1 else SILENT
        if move > LEAST_MOVE * self.tolerance and _distance(replies, before.replies) < still:
            raise SyncError(
                f"the sampler still uses the weights of policy version {before.version}: up to version "
                f"{learner.policy_version} the learner's log-probabilities moved by {move:.3g} nats, those of {policy} by "
                f"{_distance(replies, before.replies):.3g}; let Sampler.load_weights take them over, and forget cached prompts."
            )

    def _moved(self, name: str, replies: tuple[Reply, ...]) -> bool:
        """Whether a policy's replies have changed; small moves add up against the version that is remembered."""
        before = self._answers[name].replies
        return _tokens(replies) != _tokens(before) or _distance(replies, before) > LEAST_MOVE * self.tolerance


def _refuse_stamp(learner: Learner, replies: tuple[Reply, ...]) -> None:
    """Raises `SyncError` where a reply carries another version than the learner's."""
    wrong = {reply.policy_version for reply in replies} - {learner.policy_version}
    if wrong:
        raise SyncError(
            f"the sampler stamps its replies with policy version {min(wrong)}, the learner is at {learner.policy_version}; "
            "load the weights after every update, and let Sampler.load_weights keep the version that it is given."
        )


def _tokens(replies: tuple[Reply, ...]) -> list[tuple[int, ...]]:
    return [reply.token_ids for reply in replies]


def _distance(replies: tuple[Reply, ...], others: tuple[Reply, ...]) -> float:
    """Mean difference of two log-probabilities of the same token."""
    pairs = zip(replies, others, strict=True)
    return fmean(abs(x - y) for reply, other in pairs for x, y in zip(reply.logprobs, other.logprobs, strict=True))
