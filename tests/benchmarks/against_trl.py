"""Our learner and whole step beside TRL's GRPOTrainer: the same model, prompts, tokens, optimiser and number of forward passes.

    pip install -e '.[bench]'; make smollm2
    python -m tests.benchmarks.against_trl                                         # the tiny model, float32
    python -m tests.benchmarks.against_trl --model smollm2 --dtype bfloat16 --runs 5 --out numbers.json

First both learners take one unclipped gradient on the same tokens, and the two are compared: a comparison of different
computations would be worthless. Then TRL's batch sizes (the rest is accumulated) are tried once, with and without what else may
help it, and its fastest is kept. Then the arms take turns, every one in a process of its own with one step that is not
counted; what counts is the median of the paired ratios, not the seconds of a busy machine. Memory is the peak resident
memory above the loaded model, see `trl_work.Gauge`. The whole step is generating, a trivial reward, and the update.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agents.hardware.processor import processor_name

from .trl_work import Work

SETTINGS = {
    "float32": ("batch=32", "batch=8", "batch=4", "batch=8,checkpointing"),
    "bfloat16": ("batch=32", "batch=8", "batch=4", "batch=8,autocast", "batch=8,checkpointing"),
}
"""TRL's: sequences of a micro-batch, gradient checkpointing, and autocast over float32 weights instead of bfloat16 weights."""
STEPS = {"tiny": 6, "smollm2": 2}
LINES = {
    "s a step": "step_s",
    "CPU s a step": "step_cpu_s",
    "of it generating, s": "generate_s",
    "MiB above the model": "above_mib",
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to compare."""

    work: tyro.conf.OmitArgPrefixes[Work] = field(default_factory=Work)
    runs: int = 5
    parts: tuple[str, ...] = ("learner", "step")
    settings: tuple[str, ...] = ()
    """Settings of TRL to try, such as batch=8 or batch=8,checkpointing; by default a few. One alone is not tried but taken."""
    steps: int = 0
    """Steps of a process, the uncounted first among them; 0: 6 for the tiny model, 2 for another."""
    check: bool = True
    """Compare gradients first."""
    profile: bool = False
    """Print the slowest operations of one step of either learner."""
    out: Path | None = None
    """Also write everything as JSON."""


@dataclass(slots=True)
class Bench:
    """Starts the arms' processes."""

    options: Options
    folder: Path
    progress: Progress
    bar: Any

    def run(self, label: str, other: Work | None = None, **order: Any) -> dict[str, Any]:
        """One arm in its own process, on the options' work or on another.

        Raises:
            RuntimeError: It failed; says what it said last.
        """
        self.progress.update(self.bar, description=label)
        work = asdict(other or self.options.work)
        order = {"folder": str(self.folder), "steps": self.options.steps or STEPS.get(work["model"], 2), **order}
        env = {**os.environ, "OMP_NUM_THREADS": str(work["threads"]), "MKL_NUM_THREADS": str(work["threads"])}
        command = [sys.executable, "-m", "tests.benchmarks.trl_arms", json.dumps({"work": work, "order": order})]
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        self.progress.advance(self.bar)
        if done.returncode:
            raise RuntimeError(f"{label} ended with code {done.returncode}:\n{done.stderr[-2000:]}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def seconds(self, found: dict[str, Any], clock: str = "wall_s") -> float:
        """Of a step: the median of those that count."""
        return median(found[clock][1:] or found[clock])


def setting_of(text: str) -> dict[str, Any]:
    """`batch=8,checkpointing` as fields of `trl_arms.Order`."""
    pairs = (part.partition("=") for part in text.split(","))
    return {name: int(value) if value else True for name, _, value in pairs}


def gradients(bench: Bench) -> dict[str, float]:
    """How far the gradients of one step are apart, relative to TRL's; in bfloat16, how far either is from ours in float32."""
    work, settings = bench.options.work, bench.options.settings or SETTINGS[bench.options.work.dtype]
    bench.run("gradient: ours", arm="ours", gradient="ours.pt", steps=1)
    bench.run("gradient: TRL", arm="trl", gradient="trl.pt", steps=1, **setting_of(settings[0]))
    if work.dtype == "float32":
        return {"ours_from_trl": distance(bench.folder / "ours.pt", bench.folder / "trl.pt")}
    bench.run("gradient: ours, float32", replace(work, dtype="float32"), arm="ours", gradient="exact.pt", steps=1)
    return {f"{arm}_from_float32": distance(bench.folder / f"{arm}.pt", bench.folder / "exact.pt") for arm in ("ours", "trl")}


def distance(path: Path, yardstick: Path) -> float:
    """Length of the difference of two saved gradients over the length of the second.

    Raises:
        RuntimeError: They are of different weights.
    """
    own, other = (torch.load(one, mmap=True) for one in (path, yardstick))
    if set(own) != set(other):
        raise RuntimeError(f"the arms train different weights: {sorted(set(own) ^ set(other))[:3]}")
    apart = sum(float((own[name] - other[name]).double().square().sum()) for name in own)
    return (apart / sum(float(one.double().square().sum()) for one in other.values())) ** 0.5


def best_setting(bench: Bench) -> tuple[str, dict[str, Any]]:
    """TRL's fastest setting for the learner, and what every one took."""
    wanted = bench.options.settings or SETTINGS[bench.options.work.dtype]
    sizes = [text for text in wanted if bench.options.work.sequences % setting_of(text)["batch"] == 0]
    if len(sizes) == 1:
        return sizes[0], {}
    tried = {text: bench.run(f"TRL with {text}", arm="trl", **setting_of(text)) for text in sizes}
    # the shortest step, not the median: what else runs on the machine only ever adds to it
    seen = {text: {"wall_s": min(found["wall_s"][1:]), "above_mib": found["above_mib"]} for text, found in tried.items()}
    return min(seen, key=lambda text: seen[text]["wall_s"]), seen


def paired(bench: Bench, part: str, setting: str) -> dict[str, Any]:
    """The arms in turns; the median of the paired ratios, TRL's over ours."""
    rows: list[dict[str, dict[str, Any]]] = []
    for number in range(bench.options.runs):
        order = ("ours", "trl") if number % 2 == 0 else ("trl", "ours")
        rows.append({})
        for arm in order:
            given = setting_of(setting) if arm == "trl" else {}
            found = bench.run(f"{part} {number + 1}: {arm}", arm=arm, part=part, **given)
            if not found.get("same_prompts", True):
                raise RuntimeError("TRL rendered other prompts than ours; the chat template or the special tokens differ.")
            found["step_s"], found["step_cpu_s"] = bench.seconds(found), bench.seconds(found, "cpu_s")
            rows[-1][arm] = found
    keys = ("step_s", "step_cpu_s", "above_mib", "generate_s")
    medians = {arm: {key: median(row[arm][key] for row in rows) for key in (*keys, "tokens")} for arm in ("ours", "trl")}
    ratios = {key: median(row["trl"][key] / row["ours"][key] for row in rows) for key in keys if medians["ours"][key]}
    return {"setting": setting, "medians": medians, "ratios": ratios, "rows": rows}


def show(console: Console, found: dict[str, Any]) -> None:
    """The table."""
    table = Table(title="Medians; ratios are medians of paired runs, TRL / ours", caption=found["processor"])
    for name in ("part", "", "ours", "TRL", "ratio"):
        table.add_column(name, justify="left" if name == "part" else "right")
    for part, one in found["parts"].items():
        ours, trl, ratios = one["medians"]["ours"], one["medians"]["trl"], one["ratios"]
        if part == "learner":
            rates = [f"{arm['tokens'] / arm['step_s']:,.0f}" for arm in (ours, trl)]
            table.add_row(part, "reply tokens/s", *rates, f"{ratios['step_s']:.2f}")
        for label, key in LINES.items():
            if key in ratios:
                table.add_row(part, label, f"{ours[key]:,.2f}", f"{trl[key]:,.2f}", f"{ratios[key]:.2f}")
    console.print(table)
    for text, one in found["tried"].items():
        console.print(f"TRL tried with {text}: {one['wall_s']:.2f} s a step, {one['above_mib']:,.0f} MiB above the model")


@contextmanager
def opened(options: Options, console: Console) -> Iterator[Bench]:
    """A folder for the arms, and a bar over all their processes."""
    settings = options.settings or SETTINGS[options.work.dtype]
    total = (
        1 + (2 + (options.work.dtype != "float32")) * options.check + len(settings) * (len(settings) > 1) + 2 * options.profile
    )
    with tempfile.TemporaryDirectory() as folder, Progress(console=console, transient=True) as progress:
        bar = progress.add_task("", total=total + 2 * options.runs * len(options.parts))
        yield Bench(options, Path(folder), progress, bar)


def main(options: Options) -> dict[str, Any]:
    """Runs all of it, prints as it goes, returns what was found."""
    console = Console()
    with opened(options, console) as bench:
        drawn = bench.run("drawing the batch", arm="prepare")
        found: dict[str, Any] = {"work": asdict(options.work), "processor": processor_name(), **drawn}
        console.print(f"{options.work}\n{found['tokens']} reply tokens; {found['prompt_tokens']:.0f} tokens a prompt")
        if options.check:
            found["gradients"] = gradients(bench)
            console.print("gradients:", {key: float(f"{value:.3g}") for key, value in found["gradients"].items()})
        setting, found["tried"] = best_setting(bench)
        console.print(f"TRL's setting: {setting}")
        if options.profile:
            for arm, given in (("ours", {}), ("trl", setting_of(setting))):
                console.print(arm, bench.run(f"profile: {arm}", arm=arm, profile=True, **given)["profile"], soft_wrap=True)
        found["parts"] = {part: paired(bench, part, setting) for part in options.parts}
    show(console, found)
    if options.out is not None:
        options.out.write_text(json.dumps(found, indent=1))
    return found


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
