"""Batches of messages of one length, whose memory can be planned exactly."""

from __future__ import annotations

import torch

from agents.batching.batch import Tag, TokenBatch

VOCABULARY, ROWS = 1_024, 3
LENGTHS = {False: (40, 160), True: (200, 80)}
"""Tokens of prompts and replies: padded, and packed, where prompts are long enough that three replies share one."""


def replies(*, packed: bool, steps: int) -> TokenBatch:
    """Messages of one length, as many as make `steps` micro-batches; equal prompts where they are to be packed."""
    dice = torch.Generator().manual_seed(0)
    prompt, reply = LENGTHS[packed]
    count, width = ROWS * steps, prompt + reply
    ids = torch.randint(0, VOCABULARY, (count, width), generator=dice)
    if packed:
        for start in range(0, count, ROWS):
            ids[start : start + ROWS, :prompt] = ids[start, :prompt]
    mask = torch.zeros(count, width, dtype=torch.bool)
    mask[:, prompt:] = True
    return TokenBatch(
        ids_BT=ids,
        attention_BT=torch.ones_like(mask),
        mask_BT=mask,
        logprobs_BT=-7.0 * mask,
        returns_B=torch.randn(count, generator=dice),
        version_B=torch.zeros(count, dtype=torch.long),
        tags=tuple(Tag(role="solver", prompt_id=str(row // ROWS)) for row in range(count)),
    )
