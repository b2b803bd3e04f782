"""From episodes to tensors: the tokens that were sampled, as they were sampled. Nothing is tokenised again.

Legend of shape suffixes: B messages, T token positions. Rows are padded on the left, so that every reply ends in the last
column: the learner then asks the model for the logits of the last columns only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from selfplay_envs import Episode, Reply, Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Where a message comes from: what groups, metrics and errors are keyed by."""

    role: str
    task_type: str = ""
    prompt_id: str = ""
    task_id: str = ""
    env_id: str = ""
    episode: int = 0
    """Index of the episode in the batch."""
    message: int = 0
    """Index of the message in its episode."""
    query: str = ""
    """Names what a panel was asked: its episode in the batch and its turn. Empty for a message that no panel answers with."""

    @property
    def cell(self) -> str:
        """`role/task_type`, the key of per-cell metrics."""
        return f"{self.role}/{self.task_type}" if self.task_type else self.role


@dataclass(frozen=True, slots=True)
class Sample:
    """One message to learn from."""

    reply: Reply
    credit: float
    """Training return: the game's credit plus what shapers added."""
    tag: Tag


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
    """The messages that train: verdict says so, tokens were kept, and the role is among `roles` (None: all)."""
    return [
        Sample(
            reply=played.reply,
            credit=played.credit + played.shaped,
            tag=Tag(
                role=played.slot.role,
                task_type=played.task_type,
                prompt_id=played.prompt_id,
                task_id=played.task_id,
                env_id=episode.env_id,
                episode=number,
                message=index,
                query=query,
            ),
        )
        for number, episode in enumerate(episodes)
        for index, (played, query) in enumerate(
            zip(episode.messages, queries([one.slot for one in episode.messages], number), strict=True)
        )
        if played.verdict.train and not played.masked
        if played.reply.token_ids and (roles is None or played.slot.role in roles)
    ]


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
        if len(reply.token_ids) != len(reply.logprobs) or not reply.prompt_ids:
            raise ValueError(
                f"sample {row} has {len(reply.token_ids)} tokens, {len(reply.logprobs)} logprobs and "
                f"{len(reply.prompt_ids)} prompt ids; the sampler must keep prompt_ids and one logprob per token."
            )
        if not abs(sample.credit) < float("inf"):
            raise ValueError(
                f"sample {row} ({sample.tag.cell}) has credit={sample.credit!r}; games and shapers must give finite credit."
            )
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
        returns_B=torch.tensor([s.credit for s in samples], dtype=torch.float32),
        version_B=torch.tensor([s.reply.policy_version for s in samples]),
        tags=tuple(s.tag for s in samples),
        cut_B=torch.tensor([s.reply.finish_reason == "length" for s in samples]),
    )


def _prompt(tag: Tag) -> tuple[str, ...]:
    return tag.env_id, tag.role, tag.prompt_id


GROUPINGS: dict[str, Callable[[Tag], tuple[str, ...]]] = {
    "batch": lambda tag: (),
    "role": lambda tag: (tag.role,),
    "role+task_type": lambda tag: (tag.role, tag.task_type),
    "prompt": _prompt,
    "query": lambda tag: (*_prompt(tag), tag.query),
    "task": lambda tag: (tag.env_id, tag.role, tag.task_id),
    "game+role": lambda tag: (tag.env_id, tag.role),
}
"""Which messages share a baseline, by name. `prompt`: all that were asked the same words, in whatever episode. `query`: a panel
that answered one task in one episode, whatever others were asked; messages of no panel as by `prompt`."""


def group_numbers(tags: Sequence[Tag], group_by: str) -> Tensor:
    """Number of each message's group, 0.. in order of first appearance, int64 (B,).

    Raises:
        ValueError: No grouping has that name.
    """
    if group_by not in GROUPINGS:
        raise ValueError(f"group_by={group_by!r} is not known; choose one of {', '.join(GROUPINGS)}.")
    numbers: dict[tuple[str, ...], int] = {}
    return torch.tensor([numbers.setdefault(GROUPINGS[group_by](tag), len(numbers)) for tag in tags], dtype=torch.long)
