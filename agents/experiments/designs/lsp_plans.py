"""Numbers of the experiment `lsp` for the tiny model and for large ones: budget, judges, problems, settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ...config.game_mix import GameMix
from ...config.game_mixes import challenge, fixed_instructions
from ...config.large_presets import grpo_data, lsp_3b
from ...config.presets import lsp_tiny
from ...config.run import EvalConfig, TrainConfig
from ...config.sampler import with_options
from ...config.sampling import Sampling
from ..experiment import Budget
from ..measure import Measure, ProblemSet
from .scale import Scale

STYLE = "repetition"
"""Of the tiny model's weak judge: a word stands twice, as in one answer of seven before training. Answers to one instruction
differ in it, without which a panel would teach nothing: they are all in capitals, or none is."""
WEAK_WEIGHT = 0.8
"""Of the style in the weak judge's score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Numbers that differ between a tiny model and one of billions of weights, and between scales."""

    self_play: TrainConfig
    """LSP-Zero; the other arms change single settings of it."""
    on_data: tuple[GameMix, ...]
    """Games of the arm that trains on data."""
    quality: tuple[GameMix, ...]
    """Games of LSP, in which quality is scored too."""
    data_rate: float
    """Learning rate on data."""
    weak_judge: str
    budget: Budget
    measure: Measure


def tiny_plan(scale: Scale, counted: Literal["all", "answers"]) -> Plan:
    """For the tiny model: `lsp-tiny` at three times its learning rate for a fifth of its steps, 27 runs in 45 minutes.

    The model cannot judge itself, so that rules stand in for it: see the judge `criteria`. Judges and weights are those of the
    paper's equations, R + R_Q without a scale; R lies in [0, 1] here and R_Q in 0..7.
    """
    fast = scale == "fast"
    budget = Budget(steps=20 if fast else 72, tokens_per_step=2_000, counted=counted)
    held_out = ProblemSet(name="held-out", tasks="tiny-instructions", samples=4 if fast else 16, judge="rules")
    style = replace(held_out, name="style", judge=f"styled:style={STYLE},weight=1", samples=4 if fast else 8)
    validation = replace(held_out, name="validation", tasks="tiny-instructions-validation", samples=4)
    every = budget.steps // 4
    base = lsp_tiny()
    base = replace(
        base,
        steps=budget.steps,
        tokens_per_step=budget.tokens_per_step,
        tokens_counted=counted,
        learner=replace(base.learner, lr=1e-3, weight_decay=0.0),
        evaluation=EvalConfig(
            tasks=validation.tasks,
            samples=validation.samples,
            every=every,
            before=False,
            judge=validation.judge,
            sampling=Sampling(max_new_tokens=64),
        ),
        keep_checkpoints=1,
        keep_models_every=every,
        record_tokens=True,
        short_cuts="none",  # the same in every process, whatever else runs
    )
    return Plan(
        self_play=base,
        on_data=fixed_instructions("terse", attempts=16, tasks="tiny", exclude="tiny"),
        quality=challenge("terse", attempts=16, quality_weight=1.0, quality_judge="criteria", exclude="tiny"),
        data_rate=base.learner.lr,
        weak_judge=f"styled:style={STYLE},weight={WEAK_WEIGHT:g}",
        budget=budget,
        measure=Measure(sets=(held_out,), validation=validation, style=style, max_new_tokens=64),
    )


def large_plan(model: str, counted: Literal["all", "answers"], judge: str) -> Plan:
    """For models of billions of weights: `lsp-3b` and `grpo-data`, the model itself for quality, a reward model as the judge.

    The weak judge is the reward model with which the paper's LSP-Zero went over to code. Nothing is measured on the way: win
    rates by `judge` are, of the last models. Whether their answers are in the weak judge's style is not asked.
    """
    budget = Budget(steps=500, tokens_per_step=20_000, counted=counted)
    preset, data = lsp_3b(), grpo_data()
    zero = tuple(replace(mix, kwargs={**mix.kwargs, "quality_weight": 0.0}) for mix in preset.games)
    benchmark = ProblemSet(name="benchmark", tasks="none", samples=1, judge=judge, against_start=True)
    base = replace(
        preset,
        model=model,
        games=zero,
        algorithm="lsp-zero",
        steps=budget.steps,
        tokens_per_step=budget.tokens_per_step,
        tokens_counted=counted,
        learner=replace(preset.learner, weight_decay=0.0),
        evaluation=EvalConfig(),
        keep_checkpoints=1,
        keep_models_every=budget.steps // 4,
        record_tokens=True,
    )
    return Plan(
        self_play=base,
        on_data=data.games,
        quality=preset.games,
        data_rate=data.learner.lr,
        weak_judge="reward-model:id=OpenAssistant/reward-model-deberta-v3-large-v2",
        budget=budget,
        measure=Measure(
            sets=(benchmark,),
            validation=replace(benchmark, name="validation"),
            temperature=0.01,
            max_new_tokens=2_048,
            sampler=with_options(base.sampler, {"sleep": None}),
            short_cuts="auto",
        ),
    )
