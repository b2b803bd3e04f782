"""How fast are verdicts? One realistic self-play step, our sandboxes beside the executor of the Absolute Zero Reasoner.

    python -m tests.benchmarks.verification                        # our arms alone, on programs of the tiny generator
    python -m tests.benchmarks.verification --azr PATH --runs 12   # PATH: a checkout of LeapLabTHU/Absolute-Zero-Reasoner

A step validates 60 proposals, checks 40 abduction groups of 8 rollouts, and 40 induction rollouts on 10 inputs, all of them
proved deterministic; it counts as 900 calls, 3 of a proposal, as AZR makes them. AZR gets its best setting: everything in one
`batch_apply`, the pool kept from step to step, 1 or 2 workers, no isolation. Arms take turns within each run; what counts is
the median of the paired ratios, not the seconds of a busy machine. Its code needs pebble, timeout-decorator and regex.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table

from agents.tiny.programs import sample_task
from sandboxes import CodeSandbox, Job, SandboxUnavailable, Status, open_sandbox
from selfplay_envs.play.grouping import run_grouped

from .worker_cost import CpuCost, measure_cost


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    azr: Path | None = None
    """A checkout of AZR; its shipped proposals are then the programs of all arms."""
    runs: int = 12
    arms: tuple[str, ...] = ("docker:workers=2,cache=0", "docker:workers=2,cache=0,engine=auto", "process:workers=2,cache=0")
    seed: int = 0
    out: Path | None = None
    """Also write the numbers as JSON."""


@dataclass(frozen=True, slots=True)
class Step:
    """The work of one step."""

    proposals: tuple[Job, ...]
    abduction: tuple[Job, ...]
    """One job per rollout; grouping them is the sandbox's user's business."""
    induction: tuple[Job, ...]

    @property
    def calls(self) -> int:
        """Calls of the proposed functions; a proposal counts as three, as many as AZR makes of it."""
        return 3 * len(self.proposals) + len(self.abduction) + sum(len(job.calls) for job in self.induction)


def azr_programs(path: Path) -> list[tuple[str, list[str]]]:
    """Programs with ten inputs each, as AZR ships them."""
    rows = [json.loads(line) for line in (path / "data" / "7b_code_f_seed_io.jsonl").read_text().splitlines()]
    return [("\n".join([*row["imports"], row["snippet"]]), row["inputs"]) for row in rows if len(row["inputs"]) >= 10]


def tiny_programs(rng: np.random.Generator) -> list[tuple[str, list[str]]]:
    """The same from the tiny model's generator."""
    tasks = [sample_task(rng, num_inputs=10) for _ in range(200)]
    return [(task.program, list(task.inputs)) for task in tasks]


def make_step(programs: Sequence[tuple[str, list[str]]], sandbox: CodeSandbox, rng: np.random.Generator) -> Step:
    """A step of programs that run, deterministically and in one line, on all their ten inputs, so that every arm can answer."""
    jobs = [Job(program=program, calls=tuple(inputs[-10:]), determinism=True) for program, inputs in programs]
    good = [job for job, outcome in zip(jobs, sandbox.run(jobs), strict=True) if outcome.status is Status.OK]
    good = [job for job in good if not any("\n" in call for call in job.calls)]
    if len(good) < 140:
        raise ValueError(f"only {len(good)} of {len(jobs)} programs run on all inputs; a step needs 140.")
    chosen = [good[int(i)] for i in rng.permutation(len(good))[:140]]
    proposals = tuple(replace(job, calls=job.calls[:1]) for job in chosen[:60])
    rollouts = tuple(replace(job, calls=(call,)) for job in chosen[60:100] for call in job.calls[:8])
    return Step(proposals, rollouts, tuple(replace(job, may_meet=True) for job in chosen[100:]))


def ours(sandbox: CodeSandbox, step: Step) -> Callable[[], int]:
    """Runs the step as the referee does; returns how many jobs went well."""

    def run() -> int:
        outcomes = run_grouped(sandbox, [*step.proposals, *step.abduction, *step.induction])
        return sum(outcome.status is Status.OK for outcome in outcomes)

    return run


def ungrouped(sandbox: CodeSandbox, step: Step) -> Callable[[], int]:
    """The induction calls, each a job of its own."""
    jobs = [replace(job, calls=(call,)) for job in step.induction for call in job.calls]
    return lambda: sum(outcome.status is Status.OK for outcome in sandbox.run(jobs))


def azr_arms(path: Path, step: Step, gold: dict[tuple[str, str], str]) -> dict[str, Callable[[], int]]:
    """AZR's executor on the same step, and on ungrouped single calls."""
    sys.path.insert(0, str(path))
    from absolute_zero_reasoner.utils.code_utils import templates  # pyright: ignore[reportMissingImports]
    from absolute_zero_reasoner.utils.code_utils.python_executor import PythonExecutor  # pyright: ignore[reportMissingImports]

    check, run = templates.CHECK_DETERMINISM_TEMPLATE, templates.RUN_CODE_TEMPLATE
    snippets = [check.format(code=job.program, inputs=job.calls[0]) for job in step.proposals]
    snippets += [
        templates.EVAL_INPUT_PREDICTION_TEMPLATE.format(
            code=job.program, gold_output=gold[job.program, job.calls[0]], agent_input=job.calls[0]
        )
        for job in step.abduction
    ]
    single = [run.format(code=job.program, inputs=call) for job in step.induction for call in job.calls]
    arms: dict[str, Callable[[], int]] = {}
    for workers in (1, 2):
        executor = PythonExecutor(max_workers=workers)

        def batch(codes: list[str], executor: object = executor) -> Callable[[], int]:
            return lambda: sum(status == "Done" for _, status in executor.batch_apply(codes))  # type: ignore[attr-defined]

        arms[f"azr {workers}"] = batch(snippets + single)
        arms[f"azr {workers}, single calls"] = batch(single)
    return arms


def measure(arms: dict[str, Callable[[], int]], runs: int) -> dict[str, list[float]]:
    """Seconds of every arm in every run; the order turns, so that no arm always follows the same one."""
    names = list(arms)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for arm in arms.values():
        arm()
    for run in track(range(runs), "runs", console=Console(stderr=True)):
        for name in names[run % len(names) :] + names[: run % len(names)]:
            started = time.perf_counter()
            arms[name]()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def latencies(sandbox: CodeSandbox, step: Step) -> tuple[float, float]:
    """p50 and p99 of milliseconds from submitting a job to its outcome, with 16 jobs always in flight."""
    jobs = list(step.induction) * 10
    taken: list[float] = []
    waiting: list[tuple[float, object]] = []
    for job in jobs:
        if len(waiting) == 16:
            since, future = waiting.pop(0)
            future.result()  # type: ignore[attr-defined]
            taken.append(time.perf_counter() - since)
        waiting.append((time.perf_counter(), sandbox.submit([job])))
    return tuple(1000 * float(np.percentile(taken, q)) for q in (50, 99))  # type: ignore[return-value]


def paired(base: list[float], other: list[float]) -> float:
    """Median of the paired ratios base / other: how many times faster `other` is."""
    return statistics.median(b / o for b, o in zip(base, other, strict=True))


def main(options: Options) -> dict[str, dict[str, float]]:
    """Measures every arm and prints the table; returns its numbers."""
    console = Console()
    rng = np.random.default_rng(options.seed)
    checker = open_sandbox("process:cache=0")
    step = make_step(azr_programs(options.azr) if options.azr else tiny_programs(rng), checker, rng)
    arms: dict[str, Callable[[], int]] = {}
    sandboxes: dict[str, CodeSandbox] = {}
    for name in options.arms:
        try:
            sandboxes[name] = open_sandbox(name)
        except SandboxUnavailable as error:
            console.print(f"skipped {name}: {error}", soft_wrap=True)
            continue
        arms[name], arms[f"{name}, single calls"] = ours(sandboxes[name], step), ungrouped(sandboxes[name], step)
    if options.azr is None:
        console.print("skipped AZR's executor: give --azr PATH, a checkout of LeapLabTHU/Absolute-Zero-Reasoner")
    else:
        rollouts = checker.run(list(step.abduction))
        gold = {(j.program, j.calls[0]): o.calls[0].value or "" for j, o in zip(step.abduction, rollouts, strict=True)}
        arms |= azr_arms(options.azr, step, gold)
    seconds = measure(arms, options.runs)
    found: dict[str, dict[str, float]] = {}
    base = min((name for name in arms if name in ("azr 1", "azr 2")), key=lambda n: statistics.median(seconds[n]), default=None)
    for name, own in seconds.items():
        single = name.endswith("single calls")
        calls = sum(len(job.calls) for job in step.induction) if single else step.calls
        found[name] = {"calls_per_s": calls / statistics.median(own), "step_s": statistics.median(own)}
        if base is not None:
            found[name]["times_azr"] = paired(seconds[f"{base}, single calls" if single else base], own)
    for name, sandbox in sandboxes.items():
        found[name]["p50_ms"], found[name]["p99_ms"] = latencies(sandbox, step)
    cost = measure_cost()
    report(console, step, found, base, cost)
    if options.out is not None:
        options.out.write_text(json.dumps({**found, "cpu": cost.to_json()}, indent=1))
    return found


def report(console: Console, step: Step, found: dict[str, dict[str, float]], base: str | None, cost: CpuCost) -> None:
    """The table, then what a job costs beside a bare fork."""
    table = Table(title=f"{step.calls} calls a step, {os.cpu_count()} processors, AZR's best: {base}", title_justify="left")
    for column in ("arm", "step s", "calls/s", "times AZR's best", "p50 ms", "p99 ms"):
        table.add_column(column, justify="left" if column == "arm" else "right", overflow="fold")
    forms = {"step_s": ".3f", "calls_per_s": ",.0f", "times_azr": ".2f", "p50_ms": ".1f", "p99_ms": ".1f"}
    for name, row in found.items():
        table.add_row(name, *(f"{row[key]:{form}}" if key in row else "" for key, form in forms.items()))
    console.print(table)
    console.print(cost.sentence(), soft_wrap=True)


if __name__ == "__main__":
    main(tyro.cli(Options))
