"""Waiting for what another process or thread does, as long as a busy machine may need."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 120.0
"""Seconds after which nobody comes any more, however slow the machine is."""


def wait_for(condition: Callable[[], bool], limit_s: float = PATIENCE_S) -> bool:
    """Whether it came true within the limit."""
    end = time.monotonic() + limit_s
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return true
