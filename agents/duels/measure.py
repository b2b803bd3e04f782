"""Win rates of models against another model or a file of answers, by a judge: the option --against of `selfplay eval`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from selfplay_envs.core.judging import SELF

from ..arguments.against import check_against, is_answer_file
from ..arguments.evaluation import Evaluate, Plan
from ..arguments.own_judge import judges_of
from ..display.progress import WorkProgress
from ..display.tables import say
from ..evaluation.win_rate import Duel, over_null, win_rates
from .asking import Side, ask_model, folder_for, requests_of
from .tables import explain_win_rates, print_win_rates

if TYPE_CHECKING:  # it loads torch
    from ..evaluation.duels import Answer
    from ..judges.pairs import PairJudge

JUDGEMENTS = "judgements.jsonl"
"""File of all judgements of a model's answers, in its folder."""


def measure_against(console: Console, plan: Plan, command: Evaluate) -> list[dict[str, Any]]:
    """Asks, judges and prints; returns a row per model for --json.

    Models are loaded one after another, and the judge once all have answered, so that they need no memory together.
    """
    check_against(command, plan)
    from ..evaluation.duels import Judgements, judge_duels, read_answers

    if is_answer_file(command.against):
        other = Side(command.against, read_answers(Path(command.against), requests_of(plan.models[0], plan, command)))
    else:
        other = ask_model(console, command.against, plan, command, twice=True)
    sides = [ask_model(console, name, plan, command, twice=False) for name in plan.models]
    judge = _open_judge(console, command)
    requests = requests_of(plan.models[0], plan, command)

    def duels_of(name: str, answers: Sequence[Answer], others: Sequence[Answer], folder: Path) -> list[Duel]:
        store = Judgements(folder / JUDGEMENTS, _judge_name(command))
        with WorkProgress(console, name, 2 * len(requests), "judgements") as progress:
            return judge_duels(judge, requests, answers, others, store, progress.add)

    null = duels_of(other.name, other.answers, other.again, folder_for(other.name, plan, command)) if other.again else None
    null_rates = None if null is None else win_rates(null)
    rows: list[dict[str, Any]] = []
    for side in sides:
        duels = duels_of(side.name, side.answers, other.answers, folder_for(side.name, plan, command))
        rates, gain = win_rates(duels), None if null is None else over_null(duels, null)
        found = {"win_rates": [asdict(row) for row in rates], "null": null_rates and [asdict(row) for row in null_rates]}
        found |= {"over_null": gain, "null_requests": None if null is None else [asdict(duel) for duel in null]}
        rows.append(_row(side, other, duels, found, plan, command))
        print_win_rates(console, f"{side.name} against {other.name}, judged by {command.judge}", rates)
        _say_cut_off(console, (side, other))
        if gain is not None:
            mean, low, high = gain
            say(console, f"Rate over the null: {mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}.")
    if null_rates is None:
        say(
            console,
            "The other's answers are a file, so it is not compared with itself: the null of these numbers is not known.",
        )
    else:
        print_win_rates(console, f"The null: {other.name} against itself, judged by {command.judge}", null_rates)
    explain_win_rates(console)
    return rows


def _open_judge(console: Console, command: Evaluate) -> PairJudge:
    from ..judges.pairs import open_pair_judge

    model = "" if is_answer_file(command.against) else command.against
    _, bound = judges_of(SELF, None, model, device=command.device, short_cuts=command.short_cuts)
    with console.status(f"opening the judge {command.judge} ..."):
        return open_pair_judge(command.judge, bound=bound)


def _judge_name(command: Evaluate) -> str:
    """What judgements are stored under: `self` alone does not say whose."""
    return f"{command.judge} of {command.against}" if command.judge.partition(":")[0] == SELF else command.judge


def _row(
    side: Side, other: Side, duels: Sequence[Duel], rates: Mapping[str, Any], plan: Plan, command: Evaluate
) -> dict[str, Any]:
    """One model's line of --json; numbers that are not known are null there."""
    found: dict[str, Any] = {
        "model": side.name,
        "against": other.name,
        "judge": command.judge,
        "tasks": plan.evaluation.tasks,
        "seed": command.seed,
        "sampling": asdict(plan.evaluation.sampling),
        **rates,
        "cut_off": {"model": side.cut_off, "against": other.cut_off},
        "requests": [asdict(duel) for duel in duels],
    }
    return _without_nan(found)


def _without_nan(value: Any) -> Any:
    """The same with null in the place of numbers that are none."""
    if isinstance(value, Mapping):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _say_cut_off(console: Console, sides: Sequence[Side]) -> None:
    """Says whose answers ended at the limit of tokens."""
    cut = [f"{side.cut_off} of {side.name}" for side in sides if side.cut_off]
    if cut:
        say(console, f"Answers that ended at the limit of tokens, judged as they are: {', '.join(cut)}.")
