"""From episodes to tensors: the tokens that were sampled, as they were sampled. Nothing is tokenised again.

Legend of shape suffixes: B messages, T token positions. Rows are padded on the left, so that every reply ends in the last
column: the learner then needs the logits of the last columns only.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from selfplay_envs import Episode, Reply, Slot, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Origin of a message, by which groups, metrics and errors are keyed."""

    role: str
    task_type: str = ""
    prompt_id: str = ""
    task_id: str = ""
    env_id: str = ""
    """Of its game, or the game's name in the run: games of different names share no group."""
    episode: int = 0
    """Index of the episode in the batch."""
    message: int = 0
    """Index of the message in its episode."""
    query: str = ""
    """Names the question to a panel: its episode in the batch and its turn. Empty for a message that no panel answers with."""

    @property
    def metric_group(self) -> str:
        """The group of metrics that the message counts in: `role/task_type`, or the role alone."""
        return f"{self.role}/{self.task_type}" if self.task_type else self.role

    @property
    def cell(self) -> str:
        """Former name of `metric_group`."""
        warnings.warn("Tag.cell is called Tag.metric_group now.", DeprecationWarning, stacklevel=2)
        return self.metric_group


@dataclass(frozen=True, slots=True)
class Sample:
    """One message to learn from."""

    reply: Reply
    training_return: float
    """The game's credit plus the terms of the batch: see `selfplay_envs.core.records.Turn`."""
    tag: Tag

    @property
    def credit(self) -> float:
        """Former name of `training_return`."""
        warnings.warn("Sample.credit is called Sample.training_return now.", DeprecationWarning, stacklevel=2)
        return self.training_return


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBatch:
    """Messages as tensors. `mask_BT` marks the sampled tokens; a column t holds token t and the log-probability of token t."""

    ids_BT: Tensor
    """Prompt and reply, int64, left-padded."""
    attention_BT: Tensor
    """True on real tokens."""
    mask_BT: Tensor
    """True on sampled tokens."""
    logprobs_BT: Tensor
    """The sampler's log-probabilities on the mask, float32 nats; 0 elsewhere."""
    returns_B: Tensor
    """Training return of each message, float32."""
    version_B: Tensor
    """Policy version that sampled it, int64."""
    tags: tuple[Tag, ...]
    cut_B: Tensor | None = None
    """True where the length limit ended the reply; None: nowhere."""

    def __len__(self) -> int:
        return len(self.tags)

    @property
    def num_tokens(self) -> int:
        """Sampled tokens in the batch: the denominator of a token-level loss."""
        return int(self.mask_BT.sum())

    def rows(self, index: Sequence[int]) -> TokenBatch:
        """The given rows, in that order, without the columns that are padding in all of them."""
        at = torch.tensor(list(index), dtype=torch.long)
        width = int(self.attention_BT[at].sum(-1).max())
        last = slice(self.ids_BT.shape[1] - width, None)
        return TokenBatch(
            ids_BT=self.ids_BT[at, last],
            attention_BT=self.attention_BT[at, last],
            mask_BT=self.mask_BT[at, last],
            logprobs_BT=self.logprobs_BT[at, last],
            returns_B=self.returns_B[at],
            version_B=self.version_B[at],
            tags=tuple(self.tags[i] for i in index),
            cut_B=None if self.cut_B is None else self.cut_B[at],
        )

    def with_returns(self, returns_B: Tensor) -> TokenBatch:
        """The same messages with other training returns."""
        return replace(self, returns_B=returns_B.float())


def samples_of(episodes: Iterable[Episode], roles: Collection[str] | None = None) -> list[Sample]:
    """The messages that train, as samples.

    Args:
        episodes: Of one batch.
        roles: As for `trains`.
    """
    return [
        Sample(turn.reply, turn.training_return, tag_of(episode, number, index, query))
        for number, episode in enumerate(episodes)
        for index, (turn, query) in enumerate(
            zip(episode.messages, queries([turn.slot for turn in episode.messages], number), strict=True)
        )
        if trains(turn, roles)
    ]


def trains(turn: Turn, roles: Collection[str] | None = None) -> bool:
    """Whether a message trains: verdict says so, tokens were kept, and the role is among `roles` (None: all)."""
    kept = turn.verdict.train and not turn.masked and bool(turn.reply.token_ids)
    return kept and (roles is None or turn.slot.role in roles)


def tag_of(episode: Episode, number: int, index: int, query: str = "") -> Tag:
    """The tag of a message: of the episode of that number the message of that index."""
    turn = episode.messages[index]
    return Tag(
        role=turn.slot.role,
        task_type=turn.task_type,
        prompt_id=turn.prompt_id,
        task_id=turn.task_id,
        env_id=episode.game_name,
        episode=number,
        message=index,
        query=query,
    )


def queries(slots: Sequence[Slot], episode: int) -> list[str]:
    """`Tag.query` of every message of an episode: a panel are the messages of one role and turn, if there are several."""
    sizes = Counter((slot.role, slot.turn) for slot in slots)
    return [f"{episode}.{slot.turn}" if sizes[slot.role, slot.turn] > 1 else "" for slot in slots]


def collate(samples: Sequence[Sample], pad_id: int = 0) -> TokenBatch:
    """Stacks messages into one left-padded batch.

    Raises:
        ValueError: There is nothing to stack, a credit is not finite, or a reply's tokens and log-probabilities differ in
        number.
    """
    if not samples:
        raise ValueError(
            "samples is empty: no message trains; check Verdict.train, the trained roles, and that the sampler keeps token ids."
        )
    rows, width = len(samples), max(len(s.reply.prompt_ids) + len(s.reply.token_ids) for s in samples)
    ids_BT = torch.full((rows, width), pad_id, dtype=torch.long)
    attention_BT = torch.zeros(rows, width, dtype=torch.bool)
    mask_BT = torch.zeros(rows, width, dtype=torch.bool)
    logprobs_BT = torch.zeros(rows, width)
    for row, sample in enumerate(samples):
        reply = sample.reply
        _check(sample, row)
        size = len(reply.prompt_ids) + len(reply.token_ids)
        ids_BT[row, width - size :] = torch.tensor((*reply.prompt_ids, *reply.token_ids))
        attention_BT[row, width - size :] = True
        mask_BT[row, width - len(reply.token_ids) :] = True
        logprobs_BT[row, width - len(reply.token_ids) :] = torch.tensor(reply.logprobs)
    return TokenBatch(
        ids_BT=ids_BT,
        attention_BT=attention_BT,
        mask_BT=mask_BT,
        logprobs_BT=logprobs_BT,
        returns_B=torch.tensor([sample.training_return for sample in samples], dtype=torch.float32),
        version_B=torch.tensor([sample.reply.policy_version for sample in samples]),
        tags=tuple(sample.tag for sample in samples),
        cut_B=torch.tensor([sample.reply.finish_reason == "length" for sample in samples]),
    )


def _check(sample: Sample, number: int) -> None:
    """Stops at a sample that cannot train."""
    reply, value = sample.reply, sample.training_return
    if len(reply.token_ids) != len(reply.logprobs) or not reply.prompt_ids:
        raise ValueError(
            f"sample {number} has {len(reply.token_ids)} tokens, {len(reply.logprobs)} logprobs and "
            f"{len(reply.prompt_ids)} prompt ids; the sampler must keep prompt_ids and one logprob per token."
        )
    if not abs(value) < float("inf"):
        raise ValueError(
            f"sample {number} ({sample.tag.metric_group}) has training_return={value!r}; games and shapers must give finite "
            "rewards."
        )
