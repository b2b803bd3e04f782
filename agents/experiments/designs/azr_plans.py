"""Numbers of the experiment `azr` for the tiny model and for large ones: budget, episodes, problems, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ...config.game_mixes import code_games
from ...config.large_presets import azr_3b
from ...config.presets import azr_tiny
from ...config.run import EvalConfig, TrainConfig
from ...config.sampler import with_options
from ...config.sampling import Sampling
from ..experiment import Budget
from ..measure import Measure, ProblemSet
from .scale import Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Numbers that differ between a tiny model and one of billions of weights, and between scales."""

    base: TrainConfig
    """Self-play with the paper's reward; the other arms change single settings of it."""
    budget: Budget
    fixed: Mapping[str, int]
    """Fixed tasks per task type and step of the arms that have some, about as many as the budget takes."""
    measure: Measure
    style: str
    tasks: str
    """Fixed tasks, with gold replies."""
    rates: tuple[float, ...]
    """Learning rates that tuned SFT chooses among."""
    temperatures: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0)


def tiny_plan(scale: Scale, counted: Literal["all", "answers"]) -> Plan:
    """For the tiny model: `azr-tiny` with half of its tokens per step; 28 runs fit in an hour and a half on two cores."""
    fast = scale == "fast"
    budget = Budget(steps=40 if fast else 100, tokens_per_step=3_000, counted=counted)
    every = 20
    held_out = ProblemSet(name="held-out", tasks="tiny", samples=128, limit=120)
    if fast:
        held_out = replace(held_out, samples=32, limit=40)
    other = ProblemSet(name="out-of-domain", tasks="tiny-out-of-domain", samples=8 if fast else 32)
    validation = ProblemSet(name="validation", tasks="tiny-validation", samples=8 if fast else 16)
    fresh, replay = (8, 4) if counted == "all" else (10, 5)  # about as many as hold the tokens that count
    games = code_games(
        "terse", attempts=8, fresh=fresh, replay=replay, references=2, num_inputs=4, exclude="tiny", extreme_credit=0.0
    )
    base = replace(
        azr_tiny(),
        games=games,
        steps=budget.steps,
        tokens_per_step=budget.tokens_per_step,
        tokens_counted=counted,
        evaluation=EvalConfig(
            tasks=validation.tasks, samples=8, every=every, before=False, sampling=Sampling(max_new_tokens=100)
        ),
        checkpoint_every=25,
        keep_checkpoints=1,
        keep_models_every=every,
        record_tokens=True,
        short_cuts="none",  # the same in every process, whatever else runs
    )
    return Plan(
        base=base,
        budget=budget,
        fixed={"sft": 77, "rft": 64, "rlvr": 12},
        measure=Measure(sets=(held_out, other), validation=validation),
        style="terse",
        tasks="tiny",
        rates=(1e-4, 3e-4, 1e-3, 3e-3),
    )


def large_plan(model: str, counted: Literal["all", "answers"]) -> Plan:
    """For models of billions of weights: `azr-3b`; fixed tasks are the tiny model's training tasks in the full wording."""
    budget = Budget(steps=100, tokens_per_step=250_000, counted=counted)
    validation = ProblemSet(name="validation", tasks="tiny-validation", samples=4)
    preset = azr_3b()
    base = replace(
        preset,
        model=model,
        games=code_games(
            "full", attempts=8, fresh=32, replay=32, references=6, num_inputs=10, duplicate_credit=None, exclude="tiny"
        ),
        steps=budget.steps,
        tokens_per_step=budget.tokens_per_step,
        tokens_counted=counted,
        learner=replace(preset.learner, weight_decay=0.0),
        evaluation=EvalConfig(
            tasks=validation.tasks, samples=4, every=20, before=False, sampling=Sampling(max_new_tokens=2_048)
        ),
        keep_checkpoints=1,
        keep_models_every=20,
        record_tokens=True,
    )
    held_out = ProblemSet(name="benchmark", tasks="none", samples=128)
    return Plan(
        base=base,
        budget=budget,
        fixed={"sft": 512, "rft": 128, "rlvr": 48},
        measure=Measure(
            sets=(held_out,),
            validation=validation,
            temperature=0.6,
            max_new_tokens=8_096,
            sampler=with_options(base.sampler, {"sleep": None}),
            short_cuts="auto",
        ),
        style="full",
        tasks="tiny",
        rates=(3e-7, 1e-6, 3e-6, 1e-5),
    )
