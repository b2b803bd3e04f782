"""AdamW on the weights that a learner trains: the masters of a model's weights, and a value head once there is one.

See: Loshchilov and Hutter, Decoupled weight decay regularization, arXiv 1711.05101.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..config.learner import LearnerConfig
from ..core.errors import LossNotFinite
from ..models.adapters import trained_weights
from .master_weights import MasterWeights

VALUE_HEAD = "value_head.weight"


class WeightOptimizer:
    """Takes optimiser steps, counts them, and is saved with the weights.

    Args:
        model: As it is trained, with its adapters if it has any.
        config: Learning rate, warm-up, AdamW's settings, clipping.
        start: Initial values of the masters, by name, where the model's own weights are rounded already.
    """

    def __init__(self, model: PreTrainedModel, config: LearnerConfig, start: Mapping[str, Tensor]) -> None:
        self.config = config
        self.steps = 0
        """Taken so far, which warm-up counts."""
        self.masters = MasterWeights(trained_weights(model), start)
        self._head: nn.Parameter | None = None
        self.optimizer = torch.optim.AdamW(
            self.masters.weights.values(),
            lr=config.lr,
            betas=(config.beta1, config.beta2),
            eps=config.eps,
            weight_decay=config.weight_decay,
            fused=True,
        )

    @property
    def weights(self) -> Mapping[str, nn.Parameter]:
        """The weights that are changed, by name: in float32 or wider."""
        return {**self.masters.weights, **({} if self._head is None else {VALUE_HEAD: self._head})}

    def add_value_head(self, weight: nn.Parameter) -> None:
        """Changes the weight of a value head too."""
        self._head = weight
        self.optimizer.add_param_group({"params": [weight]})

    def drop_value_head(self) -> None:
        """Drops it and AdamW's state of it; without one nothing happens."""
        if self._head is not None:
            self.optimizer.state.pop(self._head, None)
            self.optimizer.param_groups.pop()
            self._head = None

    def step(self) -> dict[str, float]:
        """One step on the gradients that are there.

        Returns:
            grad_norm (before clipping) and lr.

        Raises:
            LossNotFinite: A gradient is infinite or not a number; nothing was changed.
        """
        clip = self.config.grad_clip or float("inf")
        norm = float(torch.nn.utils.clip_grad_norm_(self.weights.values(), clip))
        if not math.isfinite(norm):
            raise LossNotFinite(f"the gradient's norm is {norm} at optimiser step {self.steps + 1}.")
        lr = self.config.lr * min(1.0, (self.steps + 1) / max(1, self.config.warmup_steps))
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        self.masters.publish()
        self.steps += 1
        return {"grad_norm": norm, "lr": lr}

    @contextmanager
    def all_or_nothing(self, *, several: bool) -> Generator[None]:
        """Leaves no gradients behind; after an error inside, goes back to weights and optimiser of before.

        A single step fails before it changes anything, so only `several` need a copy to go back to.
        """
        before = self.state_dict() if several else None
        try:
            yield
        except BaseException:
            if before is not None:
                self.load_state_dict(before)
            raise
        finally:
            self.zero_grad()

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        self.optimizer.zero_grad(set_to_none=True)
        self.masters.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """A snapshot on the CPU, that later steps leave alone: weights, optimiser, steps."""
        return {
            "weights": {name: _copied(p) for name, p in self.weights.items()},
            "optimizer": _copied(self.optimizer.state_dict()),
            "optimizer_steps": self.steps,
        }

    def load_state_dict(self, state: Mapping[str, Any], steps: int = 0) -> None:
        """Restores what `state_dict` saved.

        Args:
            state: With a value head where there is one here.
            steps: Taken so far, for older states that do not say.

        Raises:
            ValueError: The state is of a model with other trained weights.
        """
        if set(state["weights"]) != set(self.weights):
            odd = sorted(set(state["weights"]) ^ set(self.weights))
            raise ValueError(
                f"the saved state trains other weights ({odd[0]}, ...); load it into the same model with the same lora_rank."
            )
        self.masters.load(state["weights"])
        if self._head is not None:
            with torch.no_grad():
                self._head.copy_(state["weights"][VALUE_HEAD])
        self.optimizer.load_state_dict(_copied(state["optimizer"]))  # it would go on with the very tensors it is given
        self.steps = state.get("optimizer_steps", steps)


def _copied(state: Any) -> Any:
    """A copy of nested mappings and sequences whose tensors are copies on the CPU."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {name: _copied(value) for name, value in cast(dict[Any, Any], state).items()}
    if isinstance(state, list | tuple):
        return type(state)(_copied(value) for value in cast(list[Any], state))
    return copy.copy(state)
