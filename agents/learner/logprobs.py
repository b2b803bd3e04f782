"""Scores of batches under a learner's model: in micro-batches within one token budget, each message by its own adapter.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..batching.batch import TokenBatch
from ..batching.micro_batches import micro_batches
from ..config.learner import LearnerConfig
from ..config.short_cuts import short_cuts_of
from ..kernels.embedding_gradients import direct_master
from ..models.adapters import SHARED, has_adapters
from ..models.families import can_share_prompts
from ..models.forward import BatchScores, Scored, score, score_batch
from ..models.reference import Reference
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
        self.budget = TokenBudget(
            config.micro_batch_tokens,
            {
                "micro_batch_tokens": config.micro_batch_tokens,
                "gradient_checkpointing": config.gradient_checkpointing,
                "device": model.device.type,
            },
        )
        self.reference: Reference | None = None
        """The starting weights, once they are kept."""
        self.value_head: nn.Linear | None = None
        self.workers = 1 if has_adapters(model) or config.gradient_checkpointing else short_cuts_of(model).workers
        """Micro-batches that may be learned from side by side."""
        self._per_role = config.adapters == "per-role"
        self._recomputes = config.gradient_checkpointing

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

    @contextmanager
    def training(self) -> Generator[None]:
        """Training mode where gradient checkpointing needs it; there is no dropout to switch on."""
        self.model.train(self._recomputes)
        try:
            yield
        finally:
            self.model.eval()

    def make_value_head(self) -> nn.Parameter:
        """Puts a linear value head that predicts 0 on the model; returns its weight."""
        width = self.model.config.get_text_config().hidden_size
        wide = torch.promote_types(self.model.dtype, torch.float32)
        self.value_head = nn.Linear(width, 1, bias=False, device=self.model.device, dtype=wide)
        nn.init.zeros_(self.value_head.weight)
        return cast(nn.Parameter, self.value_head.weight)

    def weights_side_by_side(self) -> list[nn.Parameter]:
        """Weights that train, where workers can hold gradients of their own; none where micro-batches come one after the other.

        That is where autograd alone adds them up: with masters in another precision, and with word tables that are added
        directly, something else does.
        """
        head = () if self.value_head is None else self.value_head.parameters()
        weights = [weight for weight in (*self.model.parameters(), *head) if weight.requires_grad]
        by_autograd = all(
            weight.dtype in (torch.float32, torch.float64) and direct_master(weight) is None for weight in weights
        )
        return weights if self.workers > 1 and by_autograd else []

    def score_batch(self, batch: TokenBatch) -> BatchScores:
        """Log-probabilities, entropies and values (B, T) under the present weights, without gradient."""
        return self._score_batch(self.model, batch, lambda tokens: self.parts(batch, tokens), self.value_head)

    def need_reference(self, updated: bool) -> None:
        """Keeps the starting weights as the reference, unless they are kept already.

        Raises:
            ValueError: The weights are `updated`, and no adapters hold what was learned.
        """
        if self.reference is None:
            if updated and not has_adapters(self.model):
                raise ValueError(
                    "this algorithm needs the starting weights, and they have changed already; call Learner.keep_reference() "
                    "before the first update or before a state is restored."
                )
            self.reference = Reference(self.model)

    def reference_logprobs(self, batch: TokenBatch) -> Tensor:
        """Log-probabilities (B, T) under the starting weights, which must have been kept."""
        assert self.reference is not None

        def cut(tokens: int) -> list[Part]:
            return [(None, rows) for rows in micro_batches(batch, tokens, share=self.shares_prompts)]

        with self.reference.active() as model:
            return self._score_batch(model, batch, cut).logprobs_BT

    def parts(self, batch: TokenBatch, tokens: int, *, pairs: bool = False) -> list[Part]:
        """Micro-batches of at most so many tokens, each with the adapter that scores it."""
        by_adapter: dict[str, list[int]] = {}
        for row, tag in enumerate(batch.tags):
            by_adapter.setdefault(tag.role if self._per_role else SHARED, []).append(row)
        share, several = self.shares_prompts, len(by_adapter) > 1
        return [
            (adapter, part)
            for adapter, rows in by_adapter.items()
            for part in micro_batches(batch, tokens, share=share, pairs=pairs, rows=rows if several else None)
        ]

    def _score_batch(
        self,
        model: PreTrainedModel,
        batch: TokenBatch,
        cut: Callable[[int], Sequence[Part]],
        value_head: nn.Module | None = None,
    ) -> BatchScores:
        def work(parts: Sequence[Part]) -> BatchScores:
            return score_batch(model, batch, parts, self.temperature, share=self.shares_prompts, value_head=value_head)

        return self.budget.fit(cut, work, longest=batch.ids_BT.shape[1])
