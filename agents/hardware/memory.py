"""Memory of an accelerator, which this process shares with an engine beside it: taken in pieces that shrink, and given back."""

from __future__ import annotations

import gc
import os
import re
import threading

import torch

ALLOCATOR_SETTINGS = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF")
"""Environment variables with settings of torch's allocator, the newest name first."""
GROWING = "expandable_segments:True"
MEMORY_TURN = threading.RLock()
"""Held while a learner updates, and while an engine starts: an engine measures the device as it starts, and takes what another
process takes or frees meanwhile for its own, or refuses to start."""

_OUT_OF_MEMORY = re.compile(
    r"\b(CUDA|HIP|XPU|MPS)\b[^\n]*\bout of memory"
    r"|\w+_STATUS_\w*ALLOC\w*_FAILED"  # of cuBLAS, cuDNN and their like
    r"|\b(cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|hipErrorOutOfMemory|rocblas_status_memory_error)\b"
    r"|\bDefaultCPUAllocator: (can't allocate|not enough) memory"
    r"|\bInvalid buffer size: [\d.]+ \w?i?B\b"  # MPS: a tensor larger than it allows
    r"|\bstd::bad_alloc\b",
    re.IGNORECASE,
)
_set_here: dict[str, str] = {}
"""Settings that `take_memory_in_segments` put into the environment."""


def free_cached_memory() -> None:
    """Gives memory that torch's allocator keeps for later back to the device; nothing happens without an accelerator."""
    if torch.accelerator.is_available():
        gc.collect()  # a cycle may hold tensors
        torch.accelerator.empty_cache()


def take_memory_in_segments(device: str) -> None:
    """Has torch's allocator take memory of a CUDA device in segments that grow and shrink; nothing for others.

    Micro-batches of ever different sizes then leave no holes, and all that is not in use can be given back. Call it before the
    first tensor is there. Who set the allocator by one of `ALLOCATOR_SETTINGS` keeps that.
    """
    if device.partition(":")[0] == "cuda" and not any(os.environ.get(name) for name in ALLOCATOR_SETTINGS):
        os.environ[ALLOCATOR_SETTINGS[0]] = _set_here[ALLOCATOR_SETTINGS[0]] = GROWING


def engine_environment() -> dict[str, str]:
    """The environment for an engine's process: without what `take_memory_in_segments` set for this one.

    vLLM's sleep mode takes its memory through an allocator of its own, in which such segments are not allowed.
    """
    return {name: value for name, value in os.environ.items() if _set_here.get(name) != value}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, a library on it, or the processor's own allocator had no room."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None
