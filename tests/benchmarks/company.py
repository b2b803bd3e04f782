"""How fast are the tiny model's learner and sampler alone, and beside one busy process?

    python -m tests.benchmarks.company                        # two minutes

    torch, 1 thread       torch's own way on one core
    torch, 2 threads      every operation shared by two threads, which wait for each other
    oneDNN, 2 threads     as this package chose for everybody before it tried
    tried                 what the trials choose on this machine

Every arm is a process of its own, and they take turns. Shown are tokens per second, medians of the runs; the last columns are
the speed beside the busy process as a share of what torch's own way does alone on the cores that are left.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from . import trl_work
from .trl_work import Work

ARM = "--arm"
"""How a process of `arm` is told from that of a person."""
OFF = "onednn=0,blocks=0,attention=0,tables=0"
ARMS = {
    "torch, 1 thread": f"{OFF},threads=1,workers=1",
    "torch, 2 threads": f"{OFF},threads=2,workers=1",
    "oneDNN, 2 threads": "onednn=1,blocks=1,attention=1,tables=1,threads=2,workers=1",
    "tried": "auto",
}
BUSY = "while True: pass"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    runs: int = 3
    seconds: float = 3.0
    """For each of sampler and learner, in each process."""
    busy: int = 1
    """Busy processes beside."""


def measure(setting: str, seconds: float) -> dict[str, Any]:
    """Tokens per second of sampler and learner, and what was taken."""
    from agents import ALGORITHMS, Learner, Sampling, load_model
    from agents.config.short_cuts import short_cuts_of
    from agents.core.seeding import seed_of
    from agents.hardware.threads import side_by_side

    work = Work(sequences=192, new_tokens=96)
    model, tokenizer = load_model(work.model, device="cpu", short_cuts=setting)
    sampler, learner = trl_work.open_sampler(work, model, tokenizer), Learner(model)
    asked = trl_work.prompts(work)
    seeds = [[seed_of("company", prompt, reply) for reply in range(work.group)] for prompt in range(len(asked))]
    half = len(asked) // 2
    halves = [
        partial(sampler.generate, asked[part], Sampling(max_new_tokens=work.new_tokens), seeds[part])
        for part in (slice(half), slice(half, None))
    ]  # two lanes

    def speak() -> int:
        return sum(len(one.token_ids) for lane in side_by_side(halves, sampler.workers) for own in lane for one in own)

    batch = trl_work.draw_batch(sampler, work, 0)
    rates = {"sampled": _rate(speak, seconds)}
    rates["trained"] = _rate(lambda: int(learner.update(batch, ALGORITHMS[work.algorithm])["tokens"]), seconds)
    return {**rates, "text": short_cuts_of(model).text}


def _rate(call: Callable[[], int], seconds: float) -> float:
    """Tokens a second, after one call that is not counted."""
    call()
    started, tokens = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        tokens += call()
    return tokens / (time.perf_counter() - started)


def arm(name: str, seconds: float) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.company", ARM, json.dumps({"setting": ARMS[name], "seconds": seconds})]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the arm {name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def company(busy: int) -> Generator[None]:
    """Busy processes inside."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def main(options: Options) -> None:
    """Measures and prints the table."""
    from agents.hardware.machine import cores, processor_name

    console = Console()
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for _ in track(range(options.runs), "company", console=console, transient=True):
        for busy in (0, options.busy):
            with company(busy):
                for name in ARMS:
                    found.setdefault((name, busy), []).append(arm(name, options.seconds))

    def rate(name: str, busy: int, what: str) -> float:
        return median(one[what] for one in found[name, busy])

    left = max(1, cores() - options.busy)
    console.print(f"{processor_name()}; tried: {found['tried', 0][0]['text']}", soft_wrap=True)
    table = Table(title=f"Tokens per second, alone and beside {options.busy} busy; share of {left} core(s)")
    for column in ("arm", "sampled", "beside", "trained", "beside", "sampled", "trained"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for name in ARMS:
        rates = [rate(name, busy, what) for what in ("sampled", "trained") for busy in (0, options.busy)]
        shares = [rate(name, options.busy, what) / (left * rate("torch, 1 thread", 0, what)) for what in ("sampled", "trained")]
        table.add_row(name, *(f"{one:,.0f}" for one in rates), *(f"{share:.2f}" for share in shares))
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == [ARM]:
        trl_work.quiet()
        print(json.dumps(measure(**json.loads(sys.argv[2]))))
    else:
        main(tyro.cli(Options, description=__doc__))
