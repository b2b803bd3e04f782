"""What each of `agents.config.short_cuts` is worth here: an update without it beside one with it, and what the trials chose.

    python -m tests.benchmarks.cpu_paths                      # the tiny model, two minutes
    python -m tests.benchmarks.cpu_paths --model smollm2 --runs 3

    onednn        float32 products go through oneDNN; off: through torch's own BLAS
    blocks        its rows are filled up to few shapes; off: every new number of rows compiles a kernel, so the batch's lengths
                  are drawn anew for every update; both arms go through oneDNN
    attention     short sequences of bfloat16 models attend in float32; off: in bfloat16
    tables        the word table's gradients are added in place; off: autograd's way
    workers       micro-batches side by side; off: one after the other, with one thread; seconds are the clock's
    all           everything that was chosen, beside torch's own way on one thread
    sharing       no short cut but `share_prompts`: micro-batches packed, prompts computed once, beside one row per message

Every arm is a process of its own, and they take turns; shown are medians of paired ratios, off / on, of processor seconds of an
update, of peak resident memory above the loaded model, and of the positions that the learner computes. A short cut that was
chosen shows at least 0.97.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median

import torch
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from . import trl_work
from .trl_work import Gauge, Work

ARM = "--arm"
"""How a process of `arm` is told from that of a person."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to compare."""

    model: str = "tiny"
    runs: int = 5
    updates: int = 6
    """Of a process; the first is not counted."""
    rows: tuple[str, ...] = ("onednn", "blocks", "attention", "tables", "workers", "all", "sharing")


def measure(work: Work, updates: int) -> dict[str, float]:
    """One arm: seconds of an update, the processor's and the clock's, memory, and positions of the last batch."""
    from agents import ALGORITHMS, Learner
    from agents.batching.packing import pack

    model, tokenizer = trl_work.open_model(work, work.dtype)
    sampler = trl_work.open_sampler(work, model, tokenizer)
    batches = [trl_work.draw_batch(sampler, work, step) for step in range(updates)]
    gauge = Gauge()
    learner = Learner(model, trl_work.learner_config(work, 1.0))
    seconds: list[tuple[float, float]] = []
    for batch in batches:
        started = time.process_time(), time.perf_counter()
        learner.update(batch, ALGORITHMS[work.algorithm])
        seconds.append((time.process_time() - started[0], time.perf_counter() - started[1]))
    cpu_s, wall_s = (median(column) for column in zip(*seconds[1:], strict=True))
    last, cpu = batches[-1], torch.device("cpu")
    parts = [last.rows(rows) for _, rows in learner.scorer.parts(last, work.micro_batch_tokens)]
    packed = sum(pack(part, cpu, torch.float32).ids_1T.numel() for part in parts)
    positions = packed if work.share_prompts else int(last.attention_BT.sum())
    return {"cpu_s": cpu_s, "wall_s": wall_s, "above_mib": gauge.to_json()["above_mib"], "positions": float(positions)}


def arm(work: Work, updates: int) -> dict[str, float]:
    """The same in a process of its own."""
    order = json.dumps({"work": asdict(work), "updates": updates})
    command = [sys.executable, "-m", "tests.benchmarks.cpu_paths", ARM, order]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the arm with {work.short_cuts} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def settings(name: str, chosen: Mapping[str, int]) -> tuple[str, str]:
    """What forces the arms without and with a short cut; the others, but for the cores, as they were chosen."""
    alone = {"threads": 1, "workers": 1}
    if name == "all":
        return _text({**dict.fromkeys(chosen, 0), **alone}), _text(chosen)
    base = {**chosen, **alone, **({"onednn": 1} if name == "blocks" else {})}
    on = max(2, chosen["workers"]) if name == "workers" else 1
    return _text({**base, name: 1 if name == "workers" else 0}), _text({**base, name: on})


def works_of(name: str, model: str, dtype: str, chosen: Mapping[str, int]) -> tuple[Work, Work]:
    """What the arms without and with it do."""
    lengths = "drawn" if name == "blocks" else "full"
    if name == "sharing":
        taken = _text({**chosen, "threads": 1, "workers": 1})
        off, on = (Work(model=model, dtype=dtype, threads=1, short_cuts=taken, share_prompts=one) for one in (False, True))
    else:
        off, on = (Work(model=model, dtype=dtype, threads=1, lengths=lengths, short_cuts=own) for own in settings(name, chosen))
    return off, on


def _text(choices: Mapping[str, int]) -> str:
    return ",".join(f"{name}={value}" for name, value in choices.items())


def main(options: Options) -> None:
    """Measures and prints the table."""
    from agents.config.short_cuts import parse_short_cuts
    from agents.hardware.machine import processor_name, use_short_cuts
    from agents.models.loading import load_model

    console = Console()
    trials = use_short_cuts(load_model(options.model, device="cpu", short_cuts="auto")[0], "auto")
    chosen = parse_short_cuts(trials.short_cuts.text)
    console.print(f"{processor_name()}: {options.model} takes {trials.short_cuts.text}", soft_wrap=True)
    table = Table(title=f"An update without / with it, medians of {options.runs} paired runs")
    for column in ("short cut", "precision", "chosen", "its trial", "seconds", "memory", "positions"):
        table.add_column(column)
    for name in options.rows:
        dtype = "bfloat16" if name == "attention" else "float32"
        works = works_of(name, options.model, dtype, chosen)
        rows = [
            [arm(work, options.updates) for work in works]
            for _ in track(range(options.runs), name, console=console, transient=True)
        ]
        clock = "wall_s" if name in ("workers", "all") else "cpu_s"
        keys = (clock, "above_mib", "positions")
        ratios = [median(without[key] / taken[key] for without, taken in rows) for key in keys]
        was = "yes" if name not in chosen or chosen[name] > (name == "workers") else "no"
        trial = f"{trials.ratios[name]:.2f}" if name in trials.ratios else ""
        table.add_row(name, dtype, was, trial, *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == [ARM]:
        given = json.loads(sys.argv[2])
        trl_work.quiet()
        print(json.dumps(measure(Work(**given["work"]), given["updates"])))
    else:
        main(tyro.cli(Options, description=__doc__))
