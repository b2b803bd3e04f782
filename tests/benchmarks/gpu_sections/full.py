"""Section `full`: every weight of a model trains, with float32 masters; and whether an engine could wake beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import torch

from agents import Learner, LearnerConfig, TokenBatch
from agents.hardware.memory import free_cached_memory, is_out_of_memory
from agents.samplers.vllm.weights import exchange_folder, save_weights

from .bench import GIB, Bench, Row, Value, Values
from .planned import needed_gib
from .updates import TOKENS, update
from .work import config_of, random_batch, random_model

SHARE = 0.4
"""Of the card, which the engine of the probe asks for."""
PROBE = """
import torch
total = torch.cuda.mem_get_info()[1]
torch.empty(int(total * {share}), dtype=torch.uint8, device="cuda")
torch.cuda.synchronize()
print("woke")
"""
PROBE_S = 60


def full(bench: Bench) -> Iterator[Row]:
    """Construction, updates, the files of weights that an engine reads, and what is free afterwards."""
    yield from _steps(bench, "135m")
    yield from _steps(bench, "3b")


def _steps(bench: Bench, kind: str) -> Iterator[Row]:
    """Of one model; the learner is gone afterwards."""
    learners: list[Learner] = []
    batch, tokens = _batch(bench), TOKENS // (16 if bench.dry else 1)
    config = LearnerConfig(dtype="bfloat16", gradient_checkpointing=True, micro_batch_tokens=tokens, lr=1e-6)
    needs_gib = needed_gib(config_of(bench, kind), config, [batch])
    yield bench.arm({"model": kind, "step": "learner"}, partial(_build, bench, kind, config, learners), needs_gib=needs_gib)
    for learner in learners:
        for name in ("first", "again"):
            yield bench.arm({"model": kind, "step": name}, partial(update, bench, learner, batch))
        yield bench.arm({"model": kind, "step": "weights as files"}, partial(_files, bench, learner))
        only = "a processor's memory is not to be filled"
        yield bench.arm({"model": kind, "step": "an engine wakes"}, partial(_wake, bench, learner, batch), gpu_only=only)
        learners.clear()


def _batch(bench: Bench) -> TokenBatch:
    return random_batch(2, 60, (20, 60)) if bench.dry else random_batch(6, 600, (200, 600))


def _build(bench: Bench, kind: str, config: LearnerConfig, learners: list[Learner]) -> Values:
    """Peak of construction and what is held after it."""
    found: dict[str, Value] = {}

    def work() -> None:
        learners.append(Learner(random_model(bench, kind, torch.float32), config, reply_limit=1024))

    found["s"] = bench.seconds(work, repeat=1, warm=0)
    weights = sum(p.numel() for p in learners[0].model.parameters())
    return found | {"parameters_m": weights / 1e6} | bench.memory()


def _files(bench: Bench, learner: Learner) -> Values:
    """Seconds until the weights lie where an engine reads them."""
    folder = exchange_folder(sum(p.numel() for p in learner.model.parameters()) * 2)
    try:
        work = partial(save_weights, learner.model, folder / "weights", torch.bfloat16)
        seconds = bench.seconds(work, repeat=1, warm=0)
        size = sum(path.stat().st_size for path in (folder / "weights").iterdir())
        return {"s": seconds, "gb_per_s": size / 1e9 / seconds, "in_memory": folder.is_relative_to("/dev/shm")}
    finally:
        shutil.rmtree(folder)


def _wake(bench: Bench, learner: Learner, batch: TokenBatch) -> Values:
    """Whether another process gets its share of the card after an update, before and after the cache is emptied."""
    update(bench, learner, batch)
    fill = max(0, int(bench.free_gib - 20))
    blocks = [torch.empty(GIB, dtype=torch.uint8, device=bench.device) for _ in range(fill)]
    del blocks  # cached, as activations that filled the card are
    found: dict[str, Value] = {}
    for when in ("cached", "emptied"):
        if when == "emptied":
            free_cached_memory()
        found |= {f"{when}_free_gib": bench.free_gib, f"{when}_woke": _probe()}
    return found


def _probe() -> bool:
    """Whether a process of its own can take its share.

    Raises:
        RuntimeError: It failed, and not for want of memory.
    """
    probe = [sys.executable, "-c", PROBE.format(share=SHARE)]
    done = subprocess.run(probe, capture_output=True, text=True, check=False, timeout=PROBE_S)
    if done.returncode and not is_out_of_memory(RuntimeError(done.stderr)):
        raise RuntimeError(f"the probe failed: {done.stderr.strip().rpartition(chr(10))[2][:200]}")
    return done.stdout.strip() == "woke"
