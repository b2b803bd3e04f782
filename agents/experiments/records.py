"""What the arms of an experiment really had: steps, tokens, epochs, processor seconds; beside what they were to have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, pstdev

from selfplay_envs.names.registration import answering_roles

from ..runs.columns import groups_of
from ..runs.rows import JsonRow
from .arm import Arm
from .experiment import Budget
from .results import CellResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Realised:
    """The runs of one arm that are there, all seeds together."""

    arm: str
    runs: int
    """Seeds with at least one step."""
    optimizer_steps: tuple[int, ...]
    """By run."""
    tokens_per_step: float
    """Trained tokens: mean over steps and runs."""
    tokens_sd: float
    """Their standard deviation over steps and runs."""
    ratio: float
    """Tokens of the counted kind per step by those of the budget."""
    answer_tokens: int
    """Trained tokens of roles that answer, in the mean run."""
    trained_tokens: int
    """All trained tokens, in the mean run."""
    sampled_tokens: int
    """In the mean run; 0: nothing is sampled."""
    processor_s: float
    """Of the mean run's training, as far as its processes were seen to end: what a killed comparison lost is not in it."""
    episodes_left_out: int
    """In the mean run."""
    further_collections: int
    """In the mean run."""
    epochs: float | None
    """Trained fixed tasks by their number, mean over task types and runs; None of arms without fixed tasks."""
    distinct_tasks: int | None
    """Different fixed tasks that were drawn, all task types; None of arms without."""


def realised(arm: Arm, budget: Budget, cells: Sequence[CellResult]) -> Realised | None:
    """The numbers of an arm's runs; None where it trains nothing or has no run with a step yet.

    Args:
        arm: It.
        budget: Of the experiment.
        cells: Of the arm, those of its tuning left out.
    """
    runs = [cell for cell in cells if cell.rows]
    if arm.config is None or not runs:
        return None
    answers = frozenset(answering_roles(mix.env_id for mix in arm.config.games))
    steps = [row for cell in runs for row in cell.rows]
    tokens = [float(row["tokens"]) for row in steps]
    of_answers = [_answer_tokens(row, answers) for row in steps]
    counted = tokens if budget.counted == "all" else of_answers
    return Realised(
        arm=arm.name,
        runs=len(runs),
        optimizer_steps=tuple(round(sum(row.get("optimizer_steps", 0) for row in cell.rows)) for cell in runs),
        tokens_per_step=fmean(tokens),
        tokens_sd=pstdev(tokens),
        ratio=fmean(counted) / budget.tokens_per_step,
        answer_tokens=round(sum(of_answers) / len(runs)),
        trained_tokens=round(sum(tokens) / len(runs)),
        sampled_tokens=_per_run(runs, "sampled_tokens"),
        processor_s=fmean(cell.training_processor_s for cell in runs),
        episodes_left_out=_per_run(runs, "episodes_left_out"),
        further_collections=_per_run(runs, "further_collections"),
        epochs=_epochs(arm, runs, answers),
        distinct_tasks=_distinct(arm, runs),
    )


def _answer_tokens(row: JsonRow, answers: frozenset[str]) -> float:
    """Trained tokens of a step's answering roles."""
    return sum(row.get(f"{group}/tokens", 0.0) for group in groups_of(row) if group.partition("/")[0] in answers)


def _per_run(runs: Sequence[CellResult], name: str) -> int:
    """A count of all steps, in the mean run."""
    return round(sum(row.get(name, 0.0) for cell in runs for row in cell.rows) / len(runs))


def _epochs(arm: Arm, runs: Sequence[CellResult], answers: frozenset[str]) -> float | None:
    """Tasks that trained by tasks that there are.

    A panel whose messages train counts once, as `trained` messages by its size.
    """
    assert arm.config is not None
    sizes = _task_counts(arm, runs)
    if not sizes:
        return None
    trained = dict.fromkeys(answers, 0.0)
    for cell in runs:
        for row in _on_fixed_tasks(arm, cell):
            for group in groups_of(row):
                if (role := group.partition("/")[0]) in answers:
                    trained[role] += row[f"{group}/trained"]
    attempts = fmean(float(mix.kwargs.get("attempts", 1)) for mix in arm.config.games if mix.task_source)
    return sum(trained.values()) / attempts / sum(sizes) / len(runs)


def _distinct(arm: Arm, runs: Sequence[CellResult]) -> int | None:
    """Draws of an epoch are all different, so that a run has seen as many tasks as it drew, or all."""
    assert arm.config is not None
    sizes = _task_counts(arm, runs)
    if not sizes:
        return None
    steps = max(len(_on_fixed_tasks(arm, cell)) for cell in runs)
    mixes = [mix for mix in arm.config.games if mix.task_source]
    return sum(min(size, steps * mix.fixed) for mix, size in zip(mixes, sizes, strict=True))


def _task_counts(arm: Arm, runs: Sequence[CellResult]) -> list[int]:
    """Fixed tasks of each game that has some, as the runs' rows say."""
    assert arm.config is not None
    rows = [row for cell in runs for row in _on_fixed_tasks(arm, cell)]
    return [int(rows[0][f"{mix.game_name}/tasks"]) for mix in arm.config.games if mix.task_source and rows]


def _on_fixed_tasks(arm: Arm, cell: CellResult) -> list[JsonRow]:
    """The rows of steps on the arm's fixed tasks: not those of another arm whose model its runs begin with."""
    assert arm.config is not None
    keys = [f"{mix.game_name}/tasks" for mix in arm.config.games if mix.task_source]
    return [row for row in cell.rows if all(key in row for key in keys)]


@cache
def headings() -> tuple[str, ...]:
    """Columns of the table of realised numbers."""
    return ("arm", "runs", "steps", "tokens a step", "of budget", "answers'", "sampled", "epochs", "processor")


def cells_of_table(one: Realised) -> list[str]:
    """A row of that table, in the order of `headings`."""
    steps = sorted(set(one.optimizer_steps))
    return [
        one.arm,
        str(one.runs),
        str(steps[0]) if len(steps) == 1 else f"{steps[0]} to {steps[-1]}",
        f"{one.tokens_per_step:,.0f} ± {one.tokens_sd:,.0f}",
        f"{one.ratio:.1%}",
        f"{one.answer_tokens:,}",
        f"{one.sampled_tokens:,}" if one.sampled_tokens else "none",
        "-" if one.epochs is None else f"{one.epochs:.1f}",
        f"{one.processor_s:,.0f} s",
    ]
