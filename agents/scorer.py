"""How a learner's model scores batches: in micro-batches within one token budget, each message by its own adapter.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .adapters import SHARED, has_adapters
from .batch import TokenBatch
from .direct_gradients import direct_master
from .learner_config import LearnerConfig
from .micro_batches import micro_batches
from .packing import can_share_prompts
from .reference import Reference
from .scoring import Scored, look, score
from .short_cuts import short_cuts_of
from .token_budget import Part, TokenBudget


class Scorer:
    """Scores the sampled tokens of batches, with gradient one micro-batch at a time, without it as a whole.

    Args:
        model: As it is trained, with its adapters if it has any.
        config: Of the learner.
        temperature: Divides the logits.
    """

    def __init__(self, model: PreTrainedModel, config: LearnerConfig, temperature: float) -> None:
        self.model = model
        self.temperature = temperature
        self.shares_prompts = config.share_prompts and can_share_prompts(model)
        self.budget = TokenBudget(config.micro_batch_tokens)
        self.value_head: nn.Linear | None = None
        self.workers = 1 if has_adapters(model) or config.gradient_checkpointing else short_cuts_of(model).workers
        """Micro-batches that may be learned from side by side."""
        self._per_role = config.adapters == "per-role"

    def score(self, part: TokenBatch, *, wants_entropy: bool = False) -> Scored:
        """A micro-batch, with gradient, by the adapter that is active."""
        return score(
            self.model,
            part,
            self.temperature,
            share=self.shares_prompts,
            value_head=self.value_head,
            wants_entropy=wants_entropy,
        )

    def make_value_head(self) -> nn.Parameter:
        """Puts a linear value head that says 0 on the model; returns its weight."""
        width = self.model.config.get_text_config().hidden_size
        wide = torch.promote_types(self.model.dtype, torch.float32)
        self.value_head = nn.Linear(width, 1, bias=False, device=self.model.device, dtype=wide)
        nn.init.zeros_(self.value_head.weight)
        return cast(nn.Parameter, self.value_head.weight)

    def weights_side_by_side(self) -> list[nn.Parameter]:
        """What trains, where each worker can hold gradients of its own; empty where micro-batches come one after the other.

        That is where autograd alone adds them up: with masters in another precision, and with word tables that are added
        directly, something else does.
        """
        head = () if self.value_head is None else self.value_head.parameters()
        weights = [weight for weight in (*self.model.parameters(), *head) if weight.requires_grad]
        own = all(weight.dtype in (torch.float32, torch.float64) and direct_master(weight) is None for weight in weights)
        return weights if self.workers > 1 and own else []

    def look(self, batch: TokenBatch) -> tuple[Tensor, Tensor, Tensor | None]:
        """Log-probabilities, entropies and values (B, T) under the present weights, without gradient."""
        found = self._look(self.model, batch, lambda tokens: self.parts(batch, tokens), self.value_head)
        return found[0], found[1], None if self.value_head is None else found[2]

    def look_back(self, batch: TokenBatch, reference: Reference) -> Tensor:
        """Log-probabilities (B, T) under the starting weights."""

        def cut(tokens: int) -> list[Part]:
            return [(None, rows) for rows in micro_batches(batch, tokens, share=self.shares_prompts)]

        with reference.speaking() as model:
            return self._look(model, batch, cut)[0]

    def parts(self, batch: TokenBatch, tokens: int, *, pairs: bool = False) -> list[Part]:
        """Micro-batches of at most so many tokens, each with the adapter that speaks in it."""
        by_adapter: dict[str, list[int]] = {}
        for row, tag in enumerate(batch.tags):
            by_adapter.setdefault(tag.role if self._per_role else SHARED, []).append(row)
        own = len(by_adapter) > 1
        return [
            (adapter, part)
            for adapter, rows in by_adapter.items()
            for part in micro_batches(batch, tokens, share=self.shares_prompts, pairs=pairs, rows=rows if own else None)
        ]

    def _look(
        self,
        model: PreTrainedModel,
        batch: TokenBatch,
        cut: Callable[[int], Sequence[Part]],
        value_head: nn.Module | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        def work(parts: Sequence[Part]) -> tuple[Tensor, Tensor, Tensor]:
            return look(model, batch, parts, self.temperature, share=self.shares_prompts, value_head=value_head)

        return self.budget.fit(cut, work, longest=batch.ids_BT.shape[1])
