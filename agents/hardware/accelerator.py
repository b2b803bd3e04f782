"""Settings of torch for accelerators, made where a model is put on one."""

from __future__ import annotations

import torch

_settled: set[str] = set()


def prepare_accelerator(device: torch.device | str) -> None:
    """Switches cuDNN's attention off, the first time in a process that a CUDA device is named; nothing for others.

    cuDNN, which torch prefers on data-centre cards, plans for every exact shape, at tens to hundreds of milliseconds each, and
    keeps every plan. Here each micro-batch has a width of its own, and each decoding step one more key than the step before.
    The kernels that remain plan nothing per shape. Once only: who switches it on again, with
    `torch.backends.cuda.enable_cudnn_sdp(True)` after the first model is loaded, keeps it.
    """
    kind = torch.device(device).type
    if kind == "cuda" and kind not in _settled:
        torch.backends.cuda.enable_cudnn_sdp(False)
    _settled.add(kind)
