"""float32 masters of low-precision weights: gradients add up, and small steps land, in float32.

With bfloat16 alone a step of 1e-6 on a weight of 0.1 rounds to nothing, and many micro-batches' gradients lose their sum.
Weights that are float32 already are their own masters, at no cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


class MasterWeights:
    """The weights that the optimiser changes, by name.

    Args:
        trained: The model's own weights.
        start: What the masters start from, by name, where the model's own are rounded already.
    """

    def __init__(self, trained: Mapping[str, nn.Parameter], start: Mapping[str, Tensor] | None = None) -> None:
        self.trained = dict(trained)
        self.weights: dict[str, nn.Parameter] = {}
        for name, own in self.trained.items():
            if own.dtype in (torch.float32, torch.float64):
                self.weights[name] = own
                continue
            master = nn.Parameter((start or {}).get(name, own).detach().float())
            self.weights[name] = master
            own.register_post_accumulate_grad_hook(_collect_into(master))

    @torch.no_grad()
    def publish(self) -> None:
        """Rounds the masters into the model, after the optimiser's step."""
        for name, own in self.trained.items():
            if self.weights[name] is not own:
                own.copy_(self.weights[name])

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
    def collect(own: Tensor) -> None:
        if own.grad is None:
            return  # it went to the master directly, see `agents.direct_gradients`
        if master.grad is None:
            master.grad = own.grad.float()
        else:
            master.grad += own.grad
        own.grad = None

    return collect
