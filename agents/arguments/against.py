"""What `selfplay eval --against` can compare, said before anything is loaded."""

from __future__ import annotations

from pathlib import Path

from selfplay_envs.core.judging import SELF
from selfplay_envs.judges.registry import check_judge
from selfplay_envs.sources.rows import FILES

from ..config.sampler import needs_model
from .evaluation import Evaluate, Plan


def check_against(command: Evaluate, plan: Plan) -> None:
    """Refuses what cannot be compared.

    Raises:
        ValueError: Says which option, and what to type.
        UsageError: There is no such judge.
    """
    other = command.against
    if not command.judge:
        raise ValueError(f"against={other!r} needs a judge; add --judge reward-model:id=NAME, or another.")
    check_judge(command.judge)
    if len(plan.sets) != 1 or not plan.sets[0].source:
        raise ValueError("against: answers to one source of requests are compared; name it, as in --benchmark alpacaeval.")
    if plan.evaluation.samples != 1:
        raise ValueError(f"samples={plan.evaluation.samples}: one answer per request is compared; leave --samples out.")
    if is_answer_file(other):
        if not Path(other).is_file():
            raise ValueError(
                f"against={other!r} is no file; give the path of rows with `instruction` and `output`, or a model."
            )
        if command.judge.partition(":")[0] == SELF:
            raise ValueError("judge='self' is the model of --against, which is a file here; name another judge.")
    elif not needs_model(command.sampler):
        raise ValueError(f"against={other!r} is a model, but an endpoint holds one; give its answers as a file of rows.")


def is_answer_file(text: str) -> bool:
    """Whether --against names a file of answers, and not a model."""
    return Path(text).suffix.lower() in FILES
