"""The share of a device that an engine takes beside a learner, and the one that would have fitted where it found no room."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.errors import EngineFull
from ...hardware.memory import is_out_of_memory

SHARE = 0.4
"""Of a device's memory, for an engine that stays awake while the learner updates."""
SHARE_WITH_SLEEP = 0.7
"""Of one that is awake only while the learner is idle with its cache emptied: weights and optimiser then fit beside it.

Adapters on 8 billion weights then hold 18 GiB, on 3 billion 8: of 80 GB are 24 GiB left, of 141 GB 42. All weights of 3
billion, with Adam's state in float32, hold 48 GiB: 0.3 of 80 GB are the most then, and 0.6 of 141 GB."""
LEAST_BESIDE_WEIGHTS = 2 << 30
"""Bytes: what an engine takes besides its weights for a few replies at a time."""
_NO_ROOM_AT_START = re.compile(r"Free memory on device (?:\S+ )?\(([\d.]+)/([\d.]+) GiB\)")
"""vLLM's message for a share that is not free as it starts: GiB that are free, and all. Older ones name no device."""


def full_at_start(error: Exception, settings: Mapping[str, Any], weights_bytes: int) -> EngineFull | None:
    """The error of an engine that could not start; None where it was not for want of memory.

    Args:
        error: With vLLM's reason.
        settings: Keywords of `vllm.LLM`.
        weights_bytes: Of its weights.
    """
    share = float(settings["gpu_memory_utilization"])
    match = _NO_ROOM_AT_START.search(str(error))
    if match:
        free, total = (int(float(gib) * 2**30) for gib in match.groups())
        shortage = _Shortage("start", int(share * total), free, total)
        return _full(shortage, _lower_share(shortage, share, weights_bytes))
    if is_out_of_memory(RuntimeError(str(error))):
        fits = {"gpu_memory_utilization": f"{0.85 * share:.2g}"}
        return EngineFull(f"{error}; lower {_named(fits)} (it was {share:g})", fits)
    return None


def full_at_waking(
    error: Exception, settings: Mapping[str, Any], weights_bytes: int, *, wanted: int, free: int, total: int
) -> EngineFull | None:
    """The same of an engine that could not take its memory back.

    Args:
        error: With vLLM's reason.
        settings: Keywords of `vllm.LLM`.
        weights_bytes: Of its weights.
        wanted: Bytes that it gave back when it went to sleep.
        free: Bytes that were free before it woke.
        total: Bytes of the device.
    """
    if not is_out_of_memory(RuntimeError(str(error))):
        return None
    shortage, cache = _Shortage("wake up", wanted, free, total), settings["kv_cache_memory_bytes"]
    if cache is None:
        return _full(shortage, _lower_share(shortage, float(settings["gpu_memory_utilization"]), weights_bytes))
    lower = math.floor(10 * (cache - shortage.missing) / 2**30) / 10
    return _full(shortage, {"kv_cache_gib": f"{lower:g}"} if lower > 0 else {})


@dataclass(frozen=True, slots=True)
class _Shortage:
    """The action that failed, and bytes: wanted, free, and of the whole device."""

    action: str
    wanted: int
    free: int
    total: int

    @property
    def missing(self) -> float:
        """Bytes, and a hundredth of the device for what a measurement does not see."""
        return max(0, self.wanted - self.free) + 0.01 * self.total


def _lower_share(shortage: _Shortage, share: float, weights_bytes: int) -> dict[str, str]:
    """The share that would have fitted; none where weights would not."""
    lower = math.floor(100 * (share - shortage.missing / shortage.total)) / 100
    enough = lower * shortage.total >= weights_bytes + LEAST_BESIDE_WEIGHTS
    return {"gpu_memory_utilization": f"{lower:g}"} if enough else {}


def _full(shortage: _Shortage, fits: dict[str, str]) -> EngineFull:
    remedy = f"lower {_named(fits)}"
    if not fits:
        remedy = (
            "what would be left does not hold its weights: free memory, train adapters (learner.lora_rank), or put the learner "
            "on another device (device=cuda:1)"
        )
    return EngineFull(
        f"the device has no room for vLLM beside the learner: to {shortage.action} it wants {_gib(shortage.wanted)} GiB, and "
        f"{_gib(shortage.free)} of {_gib(shortage.total)} GiB are free; {remedy}",
        fits,
    )


def _named(options: Mapping[str, str]) -> str:
    return ", ".join(f"vllm:{name} to {value}" for name, value in options.items())


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f}"
