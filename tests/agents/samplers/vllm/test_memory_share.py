"""Shares of a device, by hand-computed numbers."""

from __future__ import annotations

import pytest

from agents.samplers.vllm.memory_share import full_at_start, full_at_waking
from agents.samplers.vllm.process import EngineFailed

GIB = 2**30
SETTINGS = {"gpu_memory_utilization": 0.7, "kv_cache_memory_bytes": None}
WAKING = EngineFailed("vLLM could not wake up: RuntimeError: CUDA Error: out of memory at /x/cumem_allocator.cpp:119")
START = (
    "vLLM could not start: ValueError: Free memory on device cuda:0 (31.25/79.20 GiB) on startup is less than desired GPU "
    "memory utilization (0.7, 55.44 GiB)."
)


@pytest.mark.parametrize("said", [START, START.replace("cuda:0 ", "")])
def test_a_share_that_is_not_free_is_lowered_by_what_is_missing_and_a_hundredth(said: str) -> None:
    # 0.7 - (55.44 - 31.25) / 79.2 - 0.01 = 0.3846
    full = full_at_start(EngineFailed(said), SETTINGS, 16 * GIB)
    assert full is not None
    assert str(full) == (
        "the device has no room for vLLM beside the learner: to start it wants 55.4 GiB, and 31.2 of 79.2 GiB are free; "
        "lower vllm:gpu_memory_utilization to 0.38"
    )
    assert full.options == {"gpu_memory_utilization": "0.38"}


def test_a_sleeper_takes_less_than_its_share() -> None:
    # of 56 GiB it gave 53 as it went to sleep: 0.7 - (53 - 40) / 80 - 0.01 = 0.5275
    full = full_at_waking(WAKING, SETTINGS, 16 * GIB, wanted=53 * GIB, free=40 * GIB, total=80 * GIB)
    assert full is not None
    assert full.options == {"gpu_memory_utilization": "0.52"}
    assert "to wake up it wants 53.0 GiB, and 40.0 of 80.0 GiB are free" in str(full)
    # what was free was enough by the numbers: a hundredth less
    full = full_at_waking(WAKING, SETTINGS, 16 * GIB, wanted=53 * GIB, free=53 * GIB, total=80 * GIB)
    assert full is not None
    assert full.options == {"gpu_memory_utilization": "0.69"}


def test_a_cache_of_a_given_size_is_what_shrinks() -> None:
    settings = {**SETTINGS, "kv_cache_memory_bytes": 30 * GIB}
    # 30 - (46 - 40) - 0.8 = 23.2
    full = full_at_waking(WAKING, settings, 16 * GIB, wanted=46 * GIB, free=40 * GIB, total=80 * GIB)
    assert full is not None
    assert full.options == {"kv_cache_gib": "23.2"}
    full = full_at_waking(WAKING, settings, 16 * GIB, wanted=46 * GIB, free=10 * GIB, total=80 * GIB)
    assert full is not None
    assert full.options == {}


@pytest.mark.parametrize(("weights_gib", "fits"), [(28, True), (29, False)])
def test_a_share_that_would_not_hold_the_weights_is_not_named(weights_gib: int, fits: bool) -> None:
    full = full_at_start(EngineFailed(START), SETTINGS, weights_gib * GIB)  # 0.38 of 79.2 are 30.1 GiB, 2 of them for the rest
    assert full is not None
    assert bool(full.options) == fits
    assert ("put the learner on another device (device=cuda:1)" in str(full)) != fits


def test_memory_that_runs_out_during_a_start_lowers_the_share_and_other_reasons_are_no_shortage() -> None:
    sentence = "vLLM could not start: OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    full = full_at_start(EngineFailed(sentence), SETTINGS, 16 * GIB)
    assert full is not None
    assert str(full) == f"{sentence}; lower vllm:gpu_memory_utilization to 0.59 (it was 0.7)"
    for reason in ("ValueError: no such model", "ValueError: No available memory for the cache blocks."):
        assert full_at_start(EngineFailed(f"vLLM could not start: {reason}"), SETTINGS, 0) is None
        assert full_at_waking(EngineFailed(reason), SETTINGS, 0, wanted=2, free=1, total=3) is None
