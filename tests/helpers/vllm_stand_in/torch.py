"""Stands in for torch next to the stand-in for vLLM, which computes nothing: importing the real one takes seconds.

The device has as many bytes as the file `device` says, and of these as many are the learner's as the file `learner` says.
"""

import os
from pathlib import Path
from types import SimpleNamespace

ORDERS = Path(os.environ["STAND_IN"])
taken: dict[str, int] = {}
"""Bytes of the engine's parts that are on the device."""


def number_in(file: str) -> int:
    return int(path.read_text()) if (path := ORDERS / file).exists() else 0


def get_memory_info() -> tuple[int, int]:
    total = number_in("device")
    return total - number_in("learner") - sum(taken.values()), total


accelerator = SimpleNamespace(is_available=(ORDERS / "accelerator").exists, get_memory_info=get_memory_info)
