"""Clocks of a child, as the kernel keeps them: time used, time without a processor, and whether it waits by its own choice.

Part of the worker program.
"""

from __future__ import annotations

import time

_STARVED_CPU_FACTOR = 8
"""Waiting for a processor counts up to this multiple of the CPU time used: a child that yields at once is no better than one
that sleeps."""


def is_waiting(pid: int) -> bool:
    """Whether a process waits for what it chose to wait for: neither for a processor nor for a disk."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"S", b"T", b"t")
    except (OSError, IndexError):
        return False


def child_clocks(pid: int, elapsed_s: float) -> tuple[float, float]:
    """CPU seconds the child used, and seconds it was ready to use more but had no processor."""
    try:
        used_s = time.clock_gettime((~pid) << 3 | 2)  # the kernel's name for "CPU clock of process pid"
    except OSError:
        used_s = elapsed_s
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return used_s, min(int(file.read().split()[1]) / 1e9, used_s * _STARVED_CPU_FACTOR)
    except (OSError, ValueError, IndexError):
        # No scheduler statistics: a child that used some of its time is taken to have been ready for the rest.
        return used_s, elapsed_s - used_s if used_s > elapsed_s / 4 else 0.0
