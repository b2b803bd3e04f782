"""Gradients of the word table, added where they are kept instead of through dense tensors of their own.

A table that is both input and output has two gradients per micro-batch, each as large as itself, and autograd adds them up in a
third and that to what is there: for 49,152 words of 576 numbers 324 MiB, filled again for every micro-batch. Here both are
added straight to the gradient of the table's master (see `learner.master_weights`), of which one exists anyway. For SmolLM2 on
a CPU that took 5 to 10 % off an update's time and 8 to 10 % off its memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding
from transformers import PreTrainedModel

from ..config.short_cuts import short_cuts_of

LARGE = 1 << 20
"""Numbers in a table from which this is faster."""
_MASTER = "gradient_goes_to"


def pays_directly(model: PreTrainedModel) -> bool:
    """Whether `add_tables_directly` is worth its while: on processors where a trial says so, on accelerators for their memory.

    Of 3 billion weights trained in bfloat16, with a table of 128,256 times 3,072 for both ends, it saves 3.7 GiB of a
    micro-batch's peak: a total in float32, its rounded copy, the lookup's gradient and the sum of both.
    """
    return model.device.type != "cpu" or short_cuts_of(model).tables


def direct_master(weight: Tensor) -> nn.Parameter | None:
    """The master to whose gradient is added directly; None: autograd's own way."""
    return cast(nn.Parameter | None, getattr(weight, _MASTER, None)) if weight.requires_grad else None


def send_gradient(weight: Tensor, master: nn.Parameter) -> None:
    """From now on the gradient of a table is added to its master's."""
    setattr(weight, _MASTER, master)


def gradient_of(master: nn.Parameter) -> Tensor:
    """The gradient that is there, or zeros that are there from now on."""
    if master.grad is None:
        master.grad = torch.zeros_like(master)
    return master.grad


class DirectEmbedding(nn.Embedding):
    """An embedding that adds its gradient directly where its table has a `direct_master`."""

    def forward(self, input: Tensor) -> Tensor:
        """Rows of the table."""
        if direct_master(self.weight) is None or not torch.is_grad_enabled():
            return super().forward(input)
        return cast(Tensor, _Lookup.apply(input, self.weight, self.padding_idx))


def add_tables_directly(model: PreTrainedModel, masters: Mapping[str, nn.Parameter]) -> None:
    """Has the gradients of a model's word tables go straight to their masters.

    Parameters, names and files stay as they are. Only `DirectEmbedding` and `kernels.token_logprobs` know the short way; what
    else uses a table takes autograd's, and both add up.

    Args:
        model: Without adapters, or what they are put on.
        masters: By the names that the weights have in `model`.
    """
    table = model.get_input_embeddings()
    if type(table) is nn.Embedding and table.max_norm is None and not table.scale_grad_by_freq and not table.sparse:
        table.__class__ = DirectEmbedding
    ends = {id(getattr(layer, "weight", None)) for layer in (table, model.get_output_embeddings())}
    for name, weight in model.named_parameters():
        if id(weight) in ends and name in masters and weight.numel() >= LARGE:
            send_gradient(weight, masters[name])


class _Lookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, weight_VH: Tensor, padding_idx: int | None) -> Tensor:
        ctx.save_for_backward(input)
        ctx.master, ctx.padding_idx = direct_master(weight_VH), padding_idx
        return embedding(input, weight_VH)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        word_N, grad_NH = ctx.saved_tensors[0].flatten(), grads[0].flatten(0, -2)
        if ctx.padding_idx is not None:
            grad_NH = grad_NH.masked_fill((word_N == ctx.padding_idx)[:, None], 0.0)
        total_VH = gradient_of(ctx.master)
        total_VH.index_add_(0, word_N, grad_NH.to(total_VH.dtype))
        return None, None, None
