"""Section `tests`: the project's own tests with their toy model on the card."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from .bench import Bench, Row, Values

ROOT = Path(__file__).parents[3]
FILES = (
    "learner/test_learner journeys/test_learner_identities models/test_forward batching/test_packing "
    "kernels/test_token_logprobs models/test_adapters models/test_weights learner/test_master_weights models/test_reference "
    "decoding/test_loop decoding/test_kv_cache samplers/test_transformers decoding/test_token_sampling "
    "training/test_weight_sync training/test_failures training/test_checkpoint training/test_role_samplers "
    "learner/test_prepare learner/test_step_loss batching/test_micro_batches"
).split()
FILES_DRY = ("decoding/test_kv_cache",)
SIDE_BY_SIDE = 6
"""Processes of pytest at a time."""
LIMIT_S = 120
"""Of one file."""


class TestsFailed(AssertionError):
    """Some of them did."""


def own_tests(bench: Bench) -> Iterator[Row]:
    """A device that is forgotten somewhere, or a promise that holds on a processor only, makes a test fail."""
    files = [ROOT / f"tests/agents/{name}.py" for name in (FILES_DRY if bench.dry else FILES)]
    with ThreadPoolExecutor(1 if bench.dry else SIDE_BY_SIDE) as pool:
        rows = [pool.submit(partial(bench.arm, {"file": file.name}, partial(_run, bench, file))) for file in files]
        for row in rows:
            yield row.result()


def _run(bench: Bench, file: Path) -> Values:
    """How many passed.

    Raises:
        TestsFailed: Names those that did not.
    """
    plugin = "tests.benchmarks.gpu_sections.toys_on_device"
    options = [
        "-q",
        "-W",
        "ignore",
        "-p",
        plugin,
        "-p",
        "no:randomly",
        "-o",
        "addopts=",
        "--import-mode=importlib",
        "--tb=line",
        "--timeout=60",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        env={**os.environ, "TOY_DEVICE": bench.device},
    )
    failed = re.findall(r"^(?:FAILED|ERROR) \S*?::(\S+)", done.stdout, re.M)
    passed = re.search(r"(\d+) passed", done.stdout)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise TestsFailed(f"{len(failed)} failed: {', '.join(failed)}; {' '.join(last)}")
    return {"passed": int(passed[1]) if passed else 0}
