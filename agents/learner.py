"""The learner: one optimiser step on a batch, in micro-batches that add up to exactly that batch.

Legend of shape suffixes: B messages, T token positions, R positions of the longest reply of a micro-batch, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from .algorithms import Algorithm
from .batch import TokenBatch
from .learner_config import LearnerConfig
from .losses import k3
from .sampler import Sampler
from .seeding import seed_of


@dataclass(slots=True)
class _RowStats:
    """Per-message sums over sampled tokens, filled micro-batch by micro-batch. Columns of `sums_BS` as in `NAMES`."""

    sums_BS: Tensor
    ratio_max: float = 0.0
    ratio_min: float = float("inf")

    NAMES = ("tokens", "entropy", "nll", "kl", "clipped", "ratio")


class Learner:
    """Trains a transformers model on one device. On CPU the same calls give the same bits.

    Args:
        model: Shared with the sampler; wrapped by LoRA adapters if the config says so (then use `learner.model`).
        config: How.
        temperature: The one that replies are sampled with: log-probabilities are those of the tempered distribution.
    """

    def __init__(self, model: PreTrainedModel, config: LearnerConfig | None = None, *, temperature: float = 1.0) -> None:
        if temperature <= 0:
            raise ValueError(f"temperature={temperature!r} cannot be trained with: greedy replies have no distribution; sample at 1.0.")
        self.config = config or LearnerConfig()
        self.temperature = temperature
        self.model = with_lora(model, self.config.lora_rank) if self.config.lora_rank else model
        self.policy_version = 0
        self.trainable = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(
            self.trainable.values(),
            lr=self.config.lr,
            betas=(self.config.beta1, self.config.beta2),
            weight_decay=self.config.weight_decay,
        )

    def update(self, batch: TokenBatch, algorithm: Algorithm) -> dict[str, float]:
        """Changes the weights by `config.epochs` optimiser steps; raises `policy_version` by 1.

        The loss is divided by the sampled tokens of the whole batch, whatever the micro-batches.

        Returns:
            loss, grad_norm, lr, entropy (exact, full vocabulary), entropy_sampled, approx_kl (k3 against the sampler), clip_fraction, ratio_mean,
            ratio_min, ratio_max, tokens; and entropy and entropy_sampled per cell as `role/task_type/entropy`. Nats per sampled token.

        Raises:
            ValueError: The algorithm needs siblings that are not there, or the loss is not finite.
        """
        advantage_BT = algorithm.advantages(batch)
        metrics: dict[str, float] = {}
        for _ in range(self.config.epochs):
            self.optimizer.zero_grad(set_to_none=True)
            loss, stats = self._accumulate(batch, advantage_BT, algorithm)
            if not abs(loss) < float("inf"):
                raise ValueError(f"the loss is {loss} at policy version {self.policy_version}; lower LearnerConfig.lr={self.config.lr} and resume.")
            clip = self.config.grad_clip or float("inf")
            norm = float(torch.nn.utils.clip_grad_norm_(self.trainable.values(), clip))
            lr = self.config.lr * min(1.0, (self.policy_version + 1) / max(1, self.config.warmup_steps))
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            self.optimizer.step()
            metrics = {"loss": loss, "grad_norm": norm, "lr": lr, **_summarise(stats, batch)}
        self.optimizer.zero_grad(set_to_none=True)
        self.policy_version += 1
        return metrics

    @torch.no_grad()
    def logprobs(self, batch: TokenBatch) -> Tensor:
        """Log-probabilities of the sampled tokens under the present weights, float32 (B, T), 0 off the mask."""
        found_BT = torch.zeros_like(batch.logprobs_BT)
        for index in micro_batches(batch, self.config.micro_batch_tokens):
            part = batch.rows(index)
            logprobs_BR, _ = score(self.model, part, self.temperature)
            width = logprobs_BR.shape[1]
            found_BT[torch.tensor(index), -width:] = torch.where(part.mask_BT[:, -width:], logprobs_BR.float().cpu(), 0.0)
        return found_BT

    def sync(self, sampler: Sampler) -> None:
        """Makes a sampler speak with the present weights. It shares the module, so this is a version stamp."""
        shared = getattr(sampler, "model", self.model)
        if shared is not self.model:
            raise ValueError("this sampler holds another module than the learner; build it with TransformersSampler(learner.model, ...).")
        sampler.policy_version = self.policy_version

    def state_dict(self) -> dict[str, Any]:
        """Trained weights, optimiser and version: enough to go on bit for bit."""
        weights = {name: p.detach().cpu().clone() for name, p in self.trainable.items()}
        return {"weights": weights, "optimizer": self.optimizer.state_dict(), "policy_version": self.policy_version}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` saved.

        Raises:
            ValueError: The state is of a model with other trained weights.
        """
        if set(state["weights"]) != set(self.trainable):
            odd = sorted(set(state["weights"]) ^ set(self.trainable))
            raise ValueError(f"the saved state trains other weights ({odd[0]}, ...); load it into the same model with the same lora_rank.")
        with torch.no_grad():
            for name, p in self.trainable.items():
                p.copy_(state["weights"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.policy_version = state["policy_version"]

    def _accumulate(self, batch: TokenBatch, advantage_BT: Tensor, algorithm: Algorithm) -> tuple[float, _RowStats]:
        """Adds up gradients over micro-batches; returns the loss and the statistics of every message."""
        denominator = float(batch.num_tokens)
        stats = _RowStats(torch.zeros(len(batch), len(_RowStats.NAMES), dtype=torch.float64))
        total = 0.0
        low, high = algorithm.defaults.get("clip_low", torch.inf), algorithm.defaults.get("clip_high", torch.inf)
        for index in micro_batches(batch, self.config.micro_batch_tokens):
            part = batch.rows(index)
            logprobs_BR, entropy_BR = score(self.model, part, self.temperature)
            width, device = logprobs_BR.shape[1], logprobs_BR.device
            mask_BR = part.mask_BT[:, -width:].to(device)
            old_BR = part.logprobs_BT[:, -width:].to(device)
            own_BR = advantage_BT[torch.tensor(index), -width:].to(device)
            loss = algorithm.loss(logprobs_BR, old_BR, own_BR, mask_BR, denominator, **algorithm.defaults)
            torch.autograd.backward(loss)
            total += loss.item()
            _record(stats, index, logprobs_BR.detach(), old_BR, entropy_BR, mask_BR, (low, high))
        return total, stats


def score(model: PreTrainedModel, batch: TokenBatch, temperature: float) -> tuple[Tensor, Tensor]:
    """Log-probability and exact entropy at the last R columns, R the longest reply: logits of prompts are never computed.

    Returns:
        logprobs_BR (with gradient) and entropy_BR (without), float32 nats; meaningful on `mask_BT[:, -R:]` only.
    """
    reply = int(batch.mask_BT.sum(-1).max())
    device = model.device
    ids_BT, attention_BT = batch.ids_BT.to(device), batch.attention_BT.long().to(device)
    position_BT = (attention_BT.cumsum(-1) - 1).clamp(min=0)
    out = model(input_ids=ids_BT, attention_mask=attention_BT, position_ids=position_BT, use_cache=False, logits_to_keep=reply + 1)
    all_BRV = torch.log_softmax(out.logits[:, -reply - 1 : -1].float() / temperature, -1)
    logprobs_BR = all_BRV.gather(-1, ids_BT[:, -reply:, None])[..., 0]
    with torch.no_grad():
        entropy_BR = -(all_BRV.exp() * all_BRV).sum(-1)
    return logprobs_BR, entropy_BR


def micro_batches(batch: TokenBatch, budget: int) -> list[list[int]]:
    """Rows sorted by (length, reply length) and cut so that each group's padded size stays within `budget` tokens (or is one row)."""
    length_B, reply_B = batch.attention_BT.sum(-1).tolist(), batch.mask_BT.sum(-1).tolist()
    order = sorted(range(len(batch)), key=lambda row: (length_B[row], reply_B[row], row))
    groups: list[list[int]] = [[]]
    for row in order:
        if groups[-1] and length_B[row] * (len(groups[-1]) + 1) > budget:
            groups.append([])
        groups[-1].append(row)
    return groups


def with_lora(model: PreTrainedModel, rank: int) -> PreTrainedModel:
    """`model` with fresh LoRA adapters of that rank on every linear layer; their initial values depend on nothing but the rank."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("lora", rank))
        return cast(PreTrainedModel, get_peft_model(model, config).eval())


def _record(
    stats: _RowStats, index: Sequence[int], logprobs: Tensor, old: Tensor, entropy: Tensor, mask: Tensor, clip: tuple[float, float]
) -> None:
    """Adds one micro-batch's per-message sums."""
    ratio = torch.where(mask, logprobs - old, 0.0).exp()
    clipped = (ratio < 1 - clip[0]) | (ratio > 1 + clip[1])
    columns = (torch.ones_like(ratio), entropy, -logprobs, k3(old, logprobs), clipped.float(), ratio)
    sums = torch.stack([torch.where(mask, column, 0.0).double().sum(-1) for column in columns], -1)
    stats.sums_BS[torch.tensor(list(index))] = sums.cpu()
    stats.ratio_max = max(stats.ratio_max, float(ratio.max()))
    stats.ratio_min = min(stats.ratio_min, float(ratio.min()))


def _summarise(stats: _RowStats, batch: TokenBatch) -> dict[str, float]:
    """Means over sampled tokens of the batch, and entropies per cell."""
    total = dict(zip(stats.NAMES, stats.sums_BS.sum(0).tolist(), strict=True))
    tokens = max(total["tokens"], 1.0)
    found = {
        "entropy": total["entropy"] / tokens,
        "entropy_sampled": total["nll"] / tokens,
        "approx_kl": total["kl"] / tokens,
        "clip_fraction": total["clipped"] / tokens,
        "ratio_mean": total["ratio"] / tokens,
        "ratio_min": stats.ratio_min,
        "ratio_max": stats.ratio_max,
        "tokens": tokens,
    }
    cells: dict[str, list[int]] = {}
    for row, tag in enumerate(batch.tags):
        cells.setdefault(tag.cell, []).append(row)
    for cell, rows in sorted(cells.items()):
        own = dict(zip(stats.NAMES, stats.sums_BS[torch.tensor(rows)].sum(0).tolist(), strict=True))
        found[f"{cell}/entropy"] = own["entropy"] / max(own["tokens"], 1.0)
        found[f"{cell}/entropy_sampled"] = own["nll"] / max(own["tokens"], 1.0)
    return found
