"""What stands at the head of every file of results: packages, processor and card."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from agents.hardware.machine import cores, processor_name

from .bench import Bench, Value, Values

PACKAGES = ("torch", "transformers", "peft", "vllm", "triton")


def versions() -> Values:
    """Of Python, of CUDA and cuDNN as torch was built with, and of packages; `none` for what is not installed."""
    cuda = {"cuda": torch.version.cuda or "none", "cudnn": str(torch.backends.cudnn.version() or "none")}
    return {"python": platform.python_version(), **cuda, **{name: _version(name) for name in PACKAGES}}


def machine(bench: Bench) -> Values:
    """Processor, cores, and the card."""
    found: dict[str, Value] = {"processor": processor_name(), "cores": cores()}
    if not bench.dry:
        major, minor = torch.cuda.get_device_capability()
        found |= {"card": torch.cuda.get_device_name(), "capability": f"{major}.{minor}"}
        found |= {"total_gib": bench.total_gib, "free_gib": bench.free_gib}
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
