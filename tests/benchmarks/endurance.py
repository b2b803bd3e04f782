"""Long runs that continuous integration has no time for: many hanging programs, flat memory, fresh workers.

    python -m tests.benchmarks.endurance                    # 10,000 hangs and 100,000 jobs in the process backend
    python -m tests.benchmarks.endurance --sandbox docker

Ends with exit code 1 if a verdict is wrong or missing, a worker was lost, or memory grew.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.progress import Progress

from sandboxes import Job, Limits, Status
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.registry import make_launcher

HANG = Job(program="def f(x):\n    while True: pass", calls=("1",), limits=Limits(cpu_s=0.05, wall_s=0.5))


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to run."""

    sandbox: str = "process"
    hangs: int = 10_000
    jobs: int = 100_000
    batch: int = 1_000
    recycle: int = 20_000
    """Jobs after which a worker is replaced."""


def resident_mib(process: int) -> float:
    """Resident memory of a process, or of the largest one below it: a worker may stand behind bwrap."""
    own = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return max([own, *(resident_mib(int(child)) for child in below)])


def own_mib() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def main(options: Options) -> bool:
    """Runs both, prints what was seen, returns whether all was well."""
    console = Console()
    sandbox = PooledSandbox(make_launcher(options.sandbox), 2, recycle_after=options.recycle)
    wrong = 0
    samples: list[tuple[int, float, float]] = []
    started = time.monotonic()
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("hanging programs", total=options.hangs)
        for start in range(0, options.hangs, options.batch):
            count = min(options.batch, options.hangs - start)
            wrong += sum(outcome.status is not Status.TIMEOUT for outcome in sandbox.run([HANG] * count))
            progress.advance(bar, count)
        hung_s = time.monotonic() - started
        bar = progress.add_task("honest programs", total=options.jobs)
        for start in range(0, options.jobs, options.batch):
            count = min(options.batch, options.jobs - start)
            jobs = [Job(program=f"def f(x):\n    return [x] * {i % 7}, {start + i}", calls=("'a'",)) for i in range(count)]
            for i, outcome in enumerate(sandbox.run(jobs)):
                wrong += outcome.calls[0].value != f"({['a'] * (i % 7)}, {start + i})"
            workers = [resident_mib(pid) for pid in sandbox.worker_processes()]
            samples.append((start + count, own_mib(), max(workers, default=0.0)))
            progress.advance(bar, count)
    stats = sandbox.stats()
    sandbox.close()
    console.print(f"{options.hangs:,} hangs of 50 ms: {hung_s:.0f} s; {options.jobs:,} jobs; {wrong} wrong verdicts; {stats}")
    flat = True
    for column, name in ((1, "this process"), (2, "the largest worker")):
        late = np.array([(row[0], row[column]) for row in samples[len(samples) // 10 :]])
        if len(late) < 2 or not late[:, 1].any():
            continue
        slope = float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) * 100_000
        flat = flat and slope < 5
        console.print(
            f"resident memory of {name}: {late[0, 1]:.1f} -> {late[-1, 1]:.1f} MiB, {slope:+.2f} MiB per 100,000 jobs"
        )
    return wrong == 0 and stats.lost == 0 and flat


if __name__ == "__main__":
    raise SystemExit(0 if main(tyro.cli(Options)) else 1)
