from __future__ import annotations

import ctypes
import sys

import pytest

from agents.hardware import heap
from tests.benchmarks.endurance import own_mib


def test_what_was_freed_between_kept_blocks_goes_back_to_the_system() -> None:
    if heap.find_trim() is None:
        pytest.skip("this C library has no malloc_trim")
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    size = 64 * 1024  # below the size from which glibc asks the system for a block of its own
    blocks = [libc.malloc(size) for _ in range(1_600)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks[::2]:
        libc.free(block)
    before = own_mib()
    heap.trim_heap()
    assert own_mib() < before - 30  # of 50 MiB that were freed
    for block in blocks[1::2]:
        libc.free(block)


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert heap.find_trim() is None
    monkeypatch.setattr(heap, "_TRIM", None)
    heap.trim_heap()
