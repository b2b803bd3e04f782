"""Samples of proposals solved by the models that runs began with and ended with; what was solved before is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from selfplay_envs import UsageError

from ...analysis.curriculum.proposals import Proposal
from ...analysis.curriculum.sample import draw_sample
from ...analysis.curriculum.solved import Rates, Solved, judge_of, keep_rates, key_of, put_together, read_rates
from ...arguments.own_judge import judges_of
from ...config.run import TrainConfig
from ...display.progress import WorkProgress
from .one_model import OneModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How samples are solved."""

    proposals: int
    """Of every run."""
    attempts: int
    """Of every model at each."""
    seed: int = 0
    """Names the sample and the seeds of answers."""
    sandbox: str = ""
    """auto, docker or process; empty: as in the run."""
    device: str = "auto"
    short_cuts: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsolved:
    """A run whose proposals are to be solved."""

    config: TrainConfig
    proposals: Sequence[Proposal]
    final: Path
    """Its last model."""
    kept: Path
    """File of what is solved."""


def solve_runs(console: Console, runs: Sequence[Unsolved], settings: Settings) -> list[list[Solved]]:
    """The samples of all runs, solved by base and final model; one model is in memory at a time.

    Raises:
        AgentError: A model is not there, or all answers are void.
        UsageError: A file of what was solved is damaged, or cannot be written.
    """
    samples = [draw_sample(run.proposals, settings.proposals, settings.seed) for run in runs]
    for run in runs:
        _check_kept(run.kept)
    bases = sorted(range(len(runs)), key=lambda place: runs[place].config.model)  # those of one base after each other
    work = [(runs[place].config.model, place) for place in bases] + [(str(run.final), place) for place, run in enumerate(runs)]
    found: list[list[Rates]] = []
    total = sum(len(samples[place]) for _, place in work)
    with (
        WorkProgress(console, "solved anew", total, "proposals") as progress,
        OneModel(console, settings.device, settings.short_cuts) as models,
    ):
        for model, place in work:
            found.append(_solve(models, model, runs[place], samples[place], settings, progress))
    by_base = dict(zip(bases, found, strict=False))
    return [
        put_together(sample, by_base[place], by_final)
        for place, (sample, by_final) in enumerate(zip(samples, found[len(runs) :], strict=True))
    ]


def _solve(
    models: OneModel, model: str, run: Unsolved, sample: Sequence[Proposal], settings: Settings, progress: WorkProgress
) -> list[Rates]:
    """What a model makes of a sample."""
    sandbox = settings.sandbox or run.config.sandbox
    deciding = {"attempts": settings.attempts, "seed": settings.seed, "sandbox": sandbox}
    key = key_of(sample, run.config, model, deciding)
    if (known := read_rates(run.kept, key)) is not None:
        progress.add(len(known), 0)
        return known
    from ...analysis.curriculum.solving import solve

    judges = judges_of(judge_of(run.config), run.config, device=settings.device, short_cuts=settings.short_cuts)
    rates = solve(
        models.solver(model, run.config, sandbox, judges),
        sample,
        run.config.games,
        settings.attempts,
        run.config.sampling,
        seed=settings.seed,
        on_solved=partial(progress.add, 0),
    )
    keep_rates(run.kept, key, rates)
    return rates


def _check_kept(path: Path) -> None:
    """Refuses a place where nothing can be kept.

    Raises:
        UsageError: It is one.
    """
    there = next(folder for folder in path.parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UsageError(f"{there} cannot be written into, where what is solved is kept; choose another folder by --out.")
