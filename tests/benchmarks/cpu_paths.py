"""What each of the learner's short cuts on a processor is worth: one update with all of them beside one without each.

    python -m tests.benchmarks.cpu_paths                      # the tiny model, a minute
    python -m tests.benchmarks.cpu_paths --model smollm2 --runs 3

    attention     short sequences of bfloat16 models attend in float32 (agents.cpu_attention); off: in bfloat16
    oneDNN        float32 products go through oneDNN (agents.cpu_matmul); off: through torch's own BLAS
    blocks        its rows are filled up to few shapes; off: every new number of rows compiles a kernel, so the batch's lengths
                  are drawn anew for every update
    tables        the word table's gradients are added in place (agents.direct_gradients); off: autograd's way

Every arm is a process of its own, one thread, and they take turns; shown are medians of paired ratios, off / on, of processor
seconds of an update and of peak resident memory above the loaded model.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from statistics import median

import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from . import trl_work
from .trl_work import Gauge, Work

ARMS = {"attention": "bfloat16", "oneDNN": "float32", "blocks": "float32", "tables": "float32"}
"""What is switched off, and the precision in which it matters."""
ARM = "--arm"
"""How a process of `arm` is told from that of a person."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to compare."""

    model: str = "tiny"
    runs: int = 5
    updates: int = 6
    """Of a process; the first is not counted."""


def switch_off(name: str) -> None:
    """Makes one of `ARMS` never apply."""
    from agents import cpu_attention, cpu_matmul, direct_gradients

    if name == "attention":
        cpu_attention.SHORT = 0
    elif name == "oneDNN":
        cpu_matmul.SMALL = sys.maxsize
    elif name == "blocks":
        cpu_matmul.ROWS = 1
    elif name == "tables":
        direct_gradients.LARGE = sys.maxsize


def measure(work: Work, without: str, updates: int) -> dict[str, float]:
    """One arm: CPU seconds of an update, and memory."""
    from agents import ALGORITHMS, Learner, TransformersSampler

    switch_off(without)
    model, tokenizer = trl_work.open_model(work, work.dtype)
    if work.lengths == "full":
        trl_work.never_ends(model, tokenizer)
    sampler = TransformersSampler(model, tokenizer)
    batches = [trl_work.draw_batch(sampler, work, step) for step in range(updates)]
    gauge = Gauge()
    learner = Learner(model, trl_work.learner_config(work, 1.0))
    seconds: list[float] = []
    for batch in batches:
        started = time.process_time()
        learner.update(batch, ALGORITHMS[work.algorithm])
        seconds.append(time.process_time() - started)
    return {"cpu_s": median(seconds[1:]), "above_mib": gauge.to_json()["above_mib"]}


def arm(work: Work, without: str, updates: int) -> dict[str, float]:
    """The same in a process of its own."""
    order = json.dumps({"work": asdict(work), "without": without, "updates": updates})
    command = [sys.executable, "-m", "tests.benchmarks.cpu_paths", ARM, order]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the arm without {without or 'nothing'} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main(options: Options) -> None:
    """Measures and prints the table."""
    console = Console()
    table = Table(title=f"{options.model}: an update without the short cut / with it, medians of {options.runs} paired runs")
    for column in ("short cut", "precision", "CPU seconds", "memory above the model"):
        table.add_column(column)
    for name, dtype in ARMS.items():
        work = Work(model=options.model, dtype=dtype, threads=1, lengths="drawn" if name == "blocks" else "full")
        rows = [
            (arm(work, name, options.updates), arm(work, "", options.updates))
            for _ in track(range(options.runs), name, console=console, transient=True)
        ]
        ratios = [median(off[key] / on[key] for off, on in rows) for key in ("cpu_s", "above_mib")]
        table.add_row(name, dtype, *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == [ARM]:
        given = json.loads(sys.argv[2])
        trl_work.quiet()
        print(json.dumps(measure(Work(**given["work"]), given["without"], given["updates"])))
    else:
        main(tyro.cli(Options, description=__doc__))
