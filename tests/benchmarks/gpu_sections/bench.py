"""What every section measures with: a device, seconds, memory, and arms that survive each other's failure."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

Value = str | int | float | bool
Values = Mapping[str, Value]
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one arm found, or why it found nothing."""

    setting: Values
    """What was done."""
    found: Values = field(default_factory=dict[str, Value])
    """Numbers; units are in their names."""
    failed: str = ""
    """The error of an arm that failed."""
    skipped: str = ""
    """Why it was not run."""

    def to_json(self) -> dict[str, Any]:
        """Without what is empty."""
        return {name: value for name, value in asdict(self).items() if value or name == "setting"}


class NotFinite(ValueError):
    """A number that was measured is none."""


class Bench:
    """A device and its clocks.

    Args:
        dry: Tiny sizes on the CPU, which show that everything runs and say nothing about speed.
        vllm_python: Interpreter that has vLLM; empty: this one.
    """

    def __init__(self, *, dry: bool, vllm_python: str = "") -> None:
        self.dry = dry
        self.vllm_python = vllm_python
        self.device = "cpu" if dry else "cuda"

    @property
    def total_gib(self) -> float:
        """Memory of the card; a dry run has enough."""
        return math.inf if self.dry else torch.cuda.get_device_properties(0).total_memory / GIB

    @property
    def free_gib(self) -> float:
        """Memory of the card that nobody holds; 0 in a dry run."""
        return 0.0 if self.dry else torch.cuda.mem_get_info()[0] / GIB

    def wait(self) -> None:
        """Until the device has done all that it was told."""
        if not self.dry:
            torch.cuda.synchronize()

    def seconds(self, work: Callable[[], object], *, repeat: int = 3, warm: int = 1) -> float:
        """Of one call, the mean of `repeat` after `warm` that are not counted."""
        for _ in range(warm):
            work()
        self.wait()
        started = time.perf_counter()
        for _ in range(1 if self.dry else repeat):
            work()
        self.wait()
        return (time.perf_counter() - started) / (1 if self.dry else repeat)

    def clean(self) -> None:
        """Gives back what is cached, and forgets the peak of memory."""
        gc.collect()
        if not self.dry:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def memory(self) -> dict[str, Value]:
        """Peak of what tensors held since `clean`, what they hold, and what the allocator keeps; nothing in a dry run."""
        if self.dry:
            return {}
        found = {
            "peak_gib": torch.cuda.max_memory_allocated(),
            "held_gib": torch.cuda.memory_allocated(),
            "reserved_gib": torch.cuda.memory_reserved(),
        }
        return {name: value / GIB for name, value in found.items()}

    def arm(self, setting: Values, work: Callable[[], Values], *, needs_gib: float = 0.0, gpu_only: str = "") -> Row:
        """What `work` finds; an arm that fails, or that the card has no room for, says so and stops nobody else.

        Args:
            setting: What is done.
            work: Does it. A number that is not finite fails it.
            needs_gib: Memory of a card that it is run on; 0: any.
            gpu_only: Why a dry run has to leave it out; empty: it does not.
        """
        if self.dry and gpu_only:
            return Row(setting=setting, skipped=gpu_only)
        if needs_gib > self.total_gib:
            return Row(setting=setting, skipped=f"needs about {needs_gib:g} GiB, the card has {self.total_gib:.0f}")
        self.clean()
        try:
            found = work()
            odd = [name for name, value in found.items() if isinstance(value, float) and not math.isfinite(value)]
            if odd:
                raise NotFinite(f"{', '.join(odd)} not finite")
        except Exception as error:  # whatever an arm meets is its result
            return Row(setting=setting, failed=sentence_of(error))
        finally:
            self.clean()
        return Row(setting=setting, found=dict(found))


def sentence_of(error: BaseException) -> str:
    """Kind and first words of an error."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}".removesuffix(": ")


@contextmanager
def cudnn_attention(on: bool) -> Generator[None]:
    """Inside, attention may or may not go through cuDNN; then it is as before."""
    before = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(on)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)
