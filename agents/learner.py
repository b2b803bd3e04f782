"""The learner: one optimiser step on a batch, in micro-batches that add up to exactly that batch.

Legend of shape suffixes: B messages, T token positions, N sampled tokens of a micro-batch, V vocabulary, S statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from .algorithms import Algorithm
from .batch import TokenBatch
from .learner_config import LearnerConfig
from .losses import k3
from .packing import can_share_prompts, pack, prompt_groups
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
            raise ValueError(
                f"temperature={temperature!r} cannot be trained with: greedy replies have no distribution; sample at 1.0."
            )
        self.config = config or LearnerConfig()
        self.temperature = temperature
        self.model = with_lora(model, self.config.lora_rank) if self.config.lora_rank else model
        self.share_prompts = self.config.share_prompts and can_share_prompts(model)
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
            loss, grad_norm, lr, entropy (exact, full vocabulary), entropy_sampled, approx_kl (k3 against the sampler),
            clip_fraction, ratio_mean, ratio_min, ratio_max, tokens; and entropy and entropy_sampled per cell as
            `role/task_type/entropy`. Nats per sampled token.

        Raises:
            ValueError: The algorithm needs siblings that are not there, or the loss is not finite.
        """
        advantage_BT = algorithm.advantages(batch)
        metrics: dict[str, float] = {}
        for _ in range(self.config.epochs):
            self.optimizer.zero_grad(set_to_none=True)
            loss, stats = self._accumulate(batch, advantage_BT, algorithm)
            if not abs(loss) < float("inf"):
                raise ValueError(
                    f"the loss is {loss} at policy version {self.policy_version}; "
                    f"lower LearnerConfig.lr={self.config.lr} and resume."
                )
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
        for index in micro_batches(batch, self.config.micro_batch_tokens, share=self.share_prompts):
            logprob_N, _ = score(self.model, batch.rows(index), self.temperature, share=self.share_prompts)
            rows = torch.tensor(index)
            own_BT = found_BT[rows]
            own_BT[batch.mask_BT[rows]] = logprob_N.float().cpu()
            found_BT[rows] = own_BT
        return found_BT

    def sync(self, sampler: Sampler) -> None:
        """Makes a sampler speak with the present weights. It shares the module, so this is a version stamp."""
        shared = getattr(sampler, "model", self.model)
        if shared is not self.model:
            raise ValueError(
                "this sampler holds another module than the learner; build it with TransformersSampler(learner.model, ...)."
            )
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
            raise ValueError(
                f"the saved state trains other weights ({odd[0]}, ...); load it into the same model with the same lora_rank."
            )
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
        for index in micro_batches(batch, self.config.micro_batch_tokens, share=self.share_prompts):
            part = batch.rows(index)
            logprob_N, entropy_N = score(self.model, part, self.temperature, share=self.share_prompts)
            device = logprob_N.device
            mask_BT, old_BT = part.mask_BT.to(device), part.logprobs_BT.to(device)
            own_BT = advantage_BT[torch.tensor(index), -mask_BT.shape[1] :].to(device)
            logprobs_BT = torch.zeros_like(mask_BT, dtype=logprob_N.dtype).masked_scatter(mask_BT, logprob_N)
            loss = algorithm.loss(logprobs_BT, old_BT, own_BT, mask_BT, denominator, **algorithm.defaults)
            torch.autograd.backward(loss)
            total += loss.item()
            row_N = torch.tensor(index).repeat_interleave(part.mask_BT.sum(-1))
            _record(stats, row_N, logprob_N.detach(), old_BT[mask_BT], entropy_N, (low, high))
        return total, stats


def score(model: PreTrainedModel, part: TokenBatch, temperature: float, *, share: bool = False) -> tuple[Tensor, Tensor]:
    """Log-probability and exact entropy of every sampled token; logits of prompts are never computed.

    Args:
        model: Any causal LM of transformers that takes `logits_to_keep`.
        part: A micro-batch.
        temperature: Divides the logits.
        share: Compute equal prompts once; see `agents.packing`.

    Returns:
        logprob_N (with gradient) and entropy_N (without), float32 nats, in the order of `part.mask_BT`'s true entries.
    """
    device = model.device
    if share:
        packed = pack(part, prompt_groups(part))
        out = model(
            input_ids=packed.ids_PT.to(device),
            attention_mask=packed.mask_P1TT.to(device),
            position_ids=packed.position_PT.to(device),
            use_cache=False,
            logits_to_keep=packed.keep,
        )
        logits_NV = out.logits.flatten(0, 1)[packed.predictor_N.to(device)]
    else:
        reply = int(part.mask_BT.sum(-1).max())
        attention_BT = part.attention_BT.long().to(device)
        position_BT = (attention_BT.cumsum(-1) - 1).clamp(min=0)
        out = model(
            input_ids=part.ids_BT.to(device),
            attention_mask=attention_BT,
            position_ids=position_BT,
            use_cache=False,
            logits_to_keep=reply + 1,
        )
        logits_NV = out.logits[:, -reply - 1 : -1][part.mask_BT[:, -reply:].to(device)]
    token_N = part.ids_BT[part.mask_BT].to(device)
    all_NV = torch.log_softmax(logits_NV.float() / temperature, -1)
    with torch.no_grad():
        entropy_N = -(all_NV.exp() * all_NV).sum(-1)
    return all_NV.gather(-1, token_N[:, None])[:, 0], entropy_N


def micro_batches(batch: TokenBatch, budget: int, *, share: bool = False) -> list[list[int]]:
    """Rows of similar length together, cut so that a micro-batch's padded size stays within `budget` tokens (or is one unit).

    With `share`, a unit is a group of equal prompts as `agents.packing` packs it; else it is one row.
    """
    real, reply = batch.attention_BT.sum(-1).tolist(), batch.mask_BT.sum(-1).tolist()
    units = prompt_groups(batch) if share else [[row] for row in range(len(batch))]
    sized = sorted((real[unit[0]] + sum(reply[row] for row in unit[1:]), reply[unit[0]], unit) for unit in units)
    parts: list[list[list[int]]] = [[]]
    for size, _, unit in sized:
        if parts[-1] and size * (len(parts[-1]) + 1) > budget:
            parts.append([])
        parts[-1].append(unit)
    return [[row for unit in part for row in unit] for part in parts]


def with_lora(model: PreTrainedModel, rank: int) -> PreTrainedModel:
    """`model` with fresh LoRA adapters of that rank on every linear layer; initial values depend on the rank alone."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("lora", rank))
        return cast(PreTrainedModel, get_peft_model(model, config).eval())


def _record(
    stats: _RowStats, row_N: Tensor, logprob_N: Tensor, old_N: Tensor, entropy_N: Tensor, clip: tuple[float, float]
) -> None:
    """Adds one micro-batch's tokens to their messages' sums."""
    ratio_N = (logprob_N - old_N).exp()
    clipped_N = (ratio_N < 1 - clip[0]) | (ratio_N > 1 + clip[1])
    columns = (torch.ones_like(ratio_N), entropy_N, -logprob_N, k3(old_N, logprob_N), clipped_N, ratio_N)
    stats.sums_BS.index_add_(0, row_N, torch.stack([column.double() for column in columns], -1).cpu())
    stats.ratio_max = max(stats.ratio_max, float(ratio_N.max()))
    stats.ratio_min = min(stats.ratio_min, float(ratio_N.min()))


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
