"""Whether a long run stays as fast and as small as it began: robust slopes of seconds per token and of memory, with a plot.

    python -m tests.benchmarks.flatness                        # 500 steps of azr-tiny, half an hour on two cores
    python -m tests.benchmarks.flatness --steps 60 --out flat  # the plot and the samples into flat/

Seconds are processor seconds of this process, whatever else the machine does; programs run in workers of their own and are
not among them. Slopes are Theil-Sen's (the median over pairs of steps), in per cent of the median per 100 steps, after the
first 50 steps, in which replies and buffers find their size. Nothing is asserted.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agents import EvalConfig, Event, find_preset, train
from tests.benchmarks.endurance import own_mib


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to run."""

    preset: str = "azr-tiny"
    steps: int = 500
    settle: int = 50
    """First steps that the slopes leave out; at most half of all."""
    sandbox: str = "auto"
    lanes: int | None = None
    staleness: int | None = None
    seed: int = 0
    out: Path = Path("runs/flatness")
    """Folder for `flatness.png` and `flatness.jsonl`; the run itself goes to a temporary one."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One step."""

    step: int
    tokens: int
    """Sampled in it."""
    cpu_s: float
    wall_s: float
    rss_mib: float

    @property
    def cpu_us_per_token(self) -> float:
        """Processor microseconds per sampled token."""
        return self.cpu_s / max(1, self.tokens) * 1e6


def theil_sen(x: np.ndarray, y: np.ndarray) -> float:
    """Median slope over all pairs of points with different x."""
    left, right = np.triu_indices(len(x), 1)
    return float(np.median((y[right] - y[left]) / (x[right] - x[left])))


def per_cent_per_100_steps(samples: list[Sample], values: list[float]) -> float:
    """Theil-Sen slope in per cent of the median value per 100 steps."""
    y = np.array(values)
    return theil_sen(np.array([float(one.step) for one in samples]), y) / float(np.median(y)) * 100 * 100


def measure(options: Options) -> list[Sample]:
    """Runs the preset and samples it after every step."""
    config = replace(find_preset(options.preset), steps=options.steps, seed=options.seed, sandbox=options.sandbox)
    changes = {name: getattr(options, name) for name in ("lanes", "staleness") if getattr(options, name) is not None}
    config = replace(config, evaluation=EvalConfig(), episodes_every=0, **changes)
    samples: list[Sample] = []
    tokens = 0
    cpu_s, wall_s = time.process_time(), time.perf_counter()

    def listen(event: Event) -> None:
        nonlocal tokens, cpu_s, wall_s
        if event.kind == "start":
            cpu_s, wall_s = time.process_time(), time.perf_counter()
        if event.kind == "collected":
            tokens = sum(len(played.reply.token_ids) for episode in event.data["episodes"] for played in episode.messages)
        if event.kind == "step":
            cpu, wall = time.process_time(), time.perf_counter()
            samples.append(Sample(step=event.step, tokens=tokens, cpu_s=cpu - cpu_s, wall_s=wall - wall_s, rss_mib=own_mib()))
            cpu_s, wall_s = cpu, wall
            progress.advance(bar)

    with tempfile.TemporaryDirectory() as folder, Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"{options.preset}, {options.steps} steps", total=options.steps)
        train(config, Path(folder) / "run", listen)
    return samples


def draw(samples: list[Sample], settle: int, path: Path) -> None:
    """Both curves over the steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True)
    steps = [one.step for one in samples]
    upper.plot(steps, [one.cpu_us_per_token for one in samples], ".", markersize=3)
    upper.set_ylabel("processor µs per sampled token")
    lower.plot(steps, [one.rss_mib for one in samples], ".", markersize=3)
    lower.set_ylabel("resident MiB")
    lower.set_xlabel("step")
    for axis in (upper, lower):
        axis.axvline(settle, color="grey", linewidth=0.8)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def main(options: Options) -> None:
    """Measures, prints the table, saves plot and samples."""
    samples = measure(options)
    options.out.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(asdict(one)) + "\n" for one in samples)
    (options.out / "flatness.jsonl").write_text(lines, encoding="utf-8")
    settle = min(options.settle, len(samples) // 2)
    kept = samples[settle:]
    table = Table(title=f"{options.preset}: {len(samples)} steps, slopes after step {settle}", title_justify="left")
    for name in ("measure", "first 10 of them", "last 10", "% per 100 steps"):
        table.add_column(name, justify="left" if name == "measure" else "right")
    rows = {
        "processor µs per sampled token": [one.cpu_us_per_token for one in kept],
        "resident MiB": [one.rss_mib for one in kept],
        "tokens per step": [float(one.tokens) for one in kept],
    }
    for name, values in rows.items():
        slope = per_cent_per_100_steps(kept, values)
        table.add_row(name, f"{np.median(values[:10]):,.1f}", f"{np.median(values[-10:]):,.1f}", f"{slope:+.2f}")
    console = Console()
    console.print(table)
    draw(samples, settle, options.out / "flatness.png")
    console.print(f"torch threads: {torch.get_num_threads()}; plot and samples: {options.out}/", soft_wrap=True)


if __name__ == "__main__":
    main(tyro.cli(Options))
