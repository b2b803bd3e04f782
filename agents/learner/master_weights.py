"""float32 masters of low-precision weights: gradients add up, and small steps land, in float32.

With bfloat16 alone a step of 1e-6 on a weight of 0.1 rounds to nothing, and many micro-batches' gradients lose their sum.
Weights that are float32 already are their own masters, at no cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..config.learner import LearnerConfig


def loading_dtype(config: LearnerConfig) -> torch.dtype:
    """The precision in which a model is best loaded for a learner.

    Under adapters its weights stay as they are, so they are read in the learner's own precision, and no wider copy ever exists.
    Where every weight trains, float32: the masters start from what the files hold, and take that memory over.
    """
    return torch.bfloat16 if config.lora_rank and config.dtype == "bfloat16" else torch.float32


def round_weights(model: nn.Module, dtype: torch.dtype) -> None:
    """Rounds a model's weights to `dtype` in place, one after the other; tied ones stay tied.

    Buffers stay as they are, as in transformers' `from_pretrained(dtype=...)`: RoPE's frequencies rounded to bfloat16 are up to
    0.4 % off, so that an angle 3,000 tokens on is off by a whole turn and more. `Module.to` would round them.
    """
    for weight in model.parameters():
        if weight.is_floating_point():
            weight.data = weight.data.to(dtype)


class MasterWeights:
    """The weights that the optimiser changes, by name.

    Args:
        trained: The model's own weights.
        start: Initial values of the masters, by name, where the model's own are rounded already.
    """

    def __init__(self, trained: Mapping[str, nn.Parameter], start: Mapping[str, Tensor] | None = None) -> None:
        self.trained = dict(trained)
        self.weights: dict[str, nn.Parameter] = {}
        for name, weight in self.trained.items():
            if weight.dtype in (torch.float32, torch.float64):
                self.weights[name] = weight
                continue
            master = nn.Parameter((start or {}).get(name, weight).detach().float())
            self.weights[name] = master
            trains = weight.requires_grad  # an adapter that is not active does not, until it is
            weight.requires_grad_(True).register_post_accumulate_grad_hook(_collect_into(master))
            weight.requires_grad_(trains)

    @torch.no_grad()
    def publish(self) -> None:
        """Rounds the masters into the model, after the optimiser's step."""
        for name, weight in self.trained.items():
            if self.weights[name] is not weight:
                weight.copy_(self.weights[name])

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Restores masters, and with them the model."""
        for name, master in self.weights.items():
            master.copy_(weights[name])
        self.publish()

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for weight in (*self.weights.values(), *self.trained.values()):
            weight.grad = None


def _collect_into(master: nn.Parameter) -> Callable[[Tensor], None]:
    def collect(weight: Tensor) -> None:
        if weight.grad is None:
            return  # it was added to the master directly, see `agents.kernels.embedding_gradients`
        if master.grad is None:
            master.grad = weight.grad.float()
        else:
            master.grad += weight.grad
        weight.grad = None

    return collect
