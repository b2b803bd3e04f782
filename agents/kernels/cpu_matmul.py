"""Matrix products of float32 on processors, through oneDNN instead of the BLAS that torch was built with.

torch's own `mm` calls MKL for float32, and MKL leaves the wide vector units of AMD processors idle: on a Zen core 2,298 x 576
times 576 x 1,536 ran at 98 GFLOP/s there and at 248 through oneDNN, which torch carries too (and uses for bfloat16, and for
compiled models). On an Intel processor with AVX-512 MKL is the faster one, so this is taken where a trial says so, see
`hardware.trials`. Other devices, other precisions and small products take torch's own way. The results differ by rounding.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, pad
from transformers import PreTrainedModel

SMALL = 1 << 20
"""Products of fewer multiplications stay with torch: oneDNN's call costs about 10 microseconds."""

ROWS = 32
"""Rows of a `BlockLinear` are filled up to a multiple of this: oneDNN compiles a kernel for every new shape, at half a
millisecond and 0.5 MiB each, and keeps a thousand of them. In `azr-tiny` that took 4 % off a step and 130 MiB off its memory
on an AMD processor."""


def times_transposed(left_NK: Tensor, right_MK: Tensor) -> Tensor:
    """The product left @ right^T, (N, M); not differentiable by itself."""
    if not _gains(left_NK, right_MK.shape[0]):
        return left_NK @ right_MK.T
    return _one_dnn(left_NK, right_MK)


class CpuLinear(nn.Linear):
    """A linear layer whose float32 products on a processor go through oneDNN, forwards and backwards."""

    rows_per_block = 1

    def forward(self, input: Tensor) -> Tensor:
        """Input @ weight^T + bias."""
        if not _gains(input, self.out_features):
            return linear(input, self.weight, self.bias)
        out = cast(Tensor, _Product.apply(input, self.weight, self.rows_per_block))
        return out if cast(Any, self.bias) is None else out + self.bias


class BlockLinear(CpuLinear):
    """A `CpuLinear` that shows oneDNN few different numbers of rows."""

    rows_per_block = ROWS


def use_one_dnn(model: PreTrainedModel, *, blocks: bool = True, undo: bool = False) -> None:
    """Has every plain linear layer of a model go through oneDNN, or torch's way again; names and values stay as they are."""
    for module in model.modules():
        if type(module) in (nn.Linear, CpuLinear, BlockLinear):
            module.__class__ = nn.Linear if undo else BlockLinear if blocks else CpuLinear


class _Product(torch.autograd.Function):
    """x @ W^T for x of any leading shape."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight_MK: Tensor, block: int) -> Tensor:
        ctx.save_for_backward(input, weight_MK)
        ctx.block = block
        return _by_rows(_whole_blocks(input, block), weight_MK, input.shape)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        input, weight_MK = ctx.saved_tensors
        grad_RM = _whole_blocks(grads[0], ctx.block)
        d_input = _by_rows(grad_RM, weight_MK.T, input.shape) if ctx.needs_input_grad[0] else None
        d_weight_MK = _one_dnn(grad_RM.T, _whole_blocks(input, ctx.block).T) if ctx.needs_input_grad[1] else None
        return d_input, d_weight_MK, None


def _whole_blocks(tensor: Tensor, block: int) -> Tensor:
    """A tensor (..., K) as rows (R, K), with rows of zeros behind them up to a power of two or a multiple of `block`."""
    rows_RK = tensor.flatten(0, -2)
    rows = rows_RK.shape[0]
    missing = -rows % block if rows > block else (1 << (rows - 1).bit_length()) - rows  # few rows: powers of two
    return pad(rows_RK, (0, 0, 0, missing)) if missing else rows_RK


def _by_rows(left_RK: Tensor, right_MK: Tensor, shape: torch.Size) -> Tensor:
    """The product without the rows that `_whole_blocks` added, in the leading shape of what it was given."""
    return _one_dnn(left_RK, right_MK)[: shape[:-1].numel()].view(*shape[:-1], -1)


def _gains(left: Tensor, columns: int) -> bool:
    plain = (
        left.device.type == "cpu" and left.dim() > 1 and left.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    )
    return plain and left.numel() * columns >= SMALL and torch.backends.mkldnn.is_available()


def _one_dnn(left: Tensor, right_MK: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(left, right_MK, None, "none", [], "")
