"""The judges of a run for verbs that are no training: `self` is loaded anew with the weights that the run started from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from selfplay_envs import UsageError
from selfplay_envs.core.judging import SELF, Judge
from selfplay_envs.judges.registry import check_judge, is_pure, open_judge

from ..config.run import TrainConfig
from ..judges.self_judge import OpenedOnUse, SelfJudge, SelfOnUse, own_judge
from ..runs.folder import find_model

Judges = tuple[str | Judge, dict[str, Judge]]
"""The environments' own judge, and those bound by name, as `Referee` takes them."""


def judges_of(
    judge: str, config: TrainConfig | None, model: str = "", *, device: str = "auto", short_cuts: str = "auto"
) -> Judges:
    """The judges of a run or a model; those with a model or a connection are not opened before they are asked.

    `self` is decoded by transformers, whatever the run's engine was: where that rounds otherwise, so may a judgement.

    Args:
        judge: Text of the environments' own judge.
        config: Of the run whose starting weights are `self`; None: those of `model`.
        model: A model; empty: none is known, and whoever asks `self` is told so.
        device: Of the model.
        short_cuts: As `TrainConfig.short_cuts`.

    Raises:
        UsageError: There is no judge of that text.
    """
    bound: dict[str, Judge] = {SELF: SelfOnUse(_opener(config, model, device, short_cuts))}
    check_judge(judge)  # before a model is loaded
    if judge != SELF and not is_pure(judge):  # bound, so that several referees open it once
        bound[judge] = OpenedOnUse(judge, partial(open_judge, judge))
    return own_judge(judge, bound), bound


def _opener(config: TrainConfig | None, model: str, device: str, short_cuts: str) -> Callable[[], SelfJudge]:
    start = config.model if config else model
    dtype, seed, rows = (config.learner.dtype, config.seed, config.max_rows) if config else ("float32", 0, 64)

    def open_self() -> SelfJudge:
        if not start:
            raise UsageError(
                "judge='self' is a run's model with its starting weights, and none is known here; add --model RUN, or name a "
                "run's folder."
            )
        import torch

        from ..judges.binding import self_judge
        from ..models.loading import load_model
        from ..samplers.transformers import TransformersSampler
        from .open_model import quiet_libraries

        quiet_libraries()
        path = find_model(start)[0]
        loaded, tokenizer = load_model(path, device=device, dtype=getattr(torch, dtype), short_cuts=short_cuts)
        return self_judge(seed, TransformersSampler(loaded, tokenizer, max_rows=rows), tokenizer)

    return open_self
