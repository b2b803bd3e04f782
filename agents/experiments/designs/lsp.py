"""The experiment `lsp`: Language Self-Play beside reinforcement learning on data, before it, after it, and with a weak judge.

See: Kuba et al., Language Self-Play for data-free training, arXiv 2509.07414. The paper trains one model of 3 billion weights
once per arm; here all arms have several seeds and one budget. Its two-stage arms have a whole budget per stage; here the two
stages share one, so that a gain of theirs is not one of more training; the arms of the scale `full` that end in `-whole` are
the paper's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from ...config.game_mix import GameMix
from ...config.run import TrainConfig
from ..arm import Arm, Start
from ..experiment import Experiment
from .lsp_plans import Plan, large_plan, tiny_plan
from .scale import Scale, arms_of_scale

SEEDS, FEWER_SEEDS = (0, 1, 2, 3, 4), (0, 1, 2)
CORE = ("base", "grpo-data", "lsp-zero", "lsp", "lsp-then-rl", "rl-then-lsp", "lsp-zero-weak", "lsp-weak")
FAST = ("base", "grpo-data", "lsp-zero", "lsp")
MORE_SEEDS = ("grpo-data", "lsp-zero", "lsp")


def lsp(
    *,
    model: str = "tiny",
    scale: Scale = "core",
    counted: Literal["all", "answers"] = "all",
    benchmark: str = "",
    judge: str = "",
    device: str = "auto",
    sandbox: str = "auto",
) -> Experiment:
    """The experiment.

    Args:
        model: `tiny`, or a model of `TrainConfig.model`, whose arms have the settings of `lsp-3b` and `grpo-data`.
        scale: `core` has the arms of the paper's claims, `full` all, `fast` three that train, for a quarter of an hour.
        counted: The matching; see `Budget`.
        benchmark: What models other than the tiny one are measured on, as `EvalConfig.tasks`: requests such as alpacaeval.
        judge: Compares their answers with those of `model`, as of `selfplay eval --against`.
        device: As `TrainConfig.device`.
        sandbox: As `TrainConfig.sandbox`.

    Raises:
        ValueError: A model other than the tiny one has no benchmark or no judge, or the tiny one has one.
    """
    tiny = model == "tiny"
    for name, text, example in (("benchmark", benchmark, "alpacaeval"), ("judge", judge, "endpoint:url=...,model=NAME")):
        if tiny and text:
            raise ValueError(f"{name}={text!r} is for other models than tiny, which is measured by rules; leave it out.")
        if not tiny and not text:
            raise ValueError(f"{name}='' with model={model!r}: the tiny model's rules are not for it; name one, as {example}.")
    plan = tiny_plan(scale, counted) if tiny else large_plan(model, counted, judge)
    if benchmark:
        sets = tuple(replace(problems, tasks=benchmark) for problems in plan.measure.sets)
        plan = replace(plan, measure=replace(plan.measure, sets=sets))
    plan = replace(plan, self_play=replace(plan.self_play, device=device, sandbox=sandbox))
    return Experiment(
        name="lsp",
        model=model,
        arms=arms_of_scale(arms_of(plan), scale, CORE, FAST),
        budget=plan.budget,
        measure=plan.measure,
        device=device,
        sandbox=sandbox,
    )


def arms_of(plan: Plan) -> dict[str, Arm]:
    """All arms by name, in the order of tables."""
    arms = [*_whole(plan), *_two_stages(plan), *_weakly_judged(plan), *_controls(plan)]
    return {
        arm.name: arm if arm.config is None else replace(arm, seeds=SEEDS if arm.name in MORE_SEEDS else FEWER_SEEDS)
        for arm in arms
    }


def _whole(plan: Plan) -> list[Arm]:
    return [
        Arm(name="base", note="The model as it is."),
        Arm(
            name="grpo-data",
            note="GRPO on fixed instructions, with the judge's reward: what the paper calls RL, and data buys.",
            config=_on_data(plan),
        ),
        Arm(
            name="lsp-zero",
            note="Language Self-Play without quality: the challenger earns what the panel loses.",
            config=plan.self_play,
        ),
        Arm(
            name="lsp",
            note="Language Self-Play: quality of request and answer is added to both players' rewards.",
            config=_with_quality(plan.self_play, plan.quality),
        ),
    ]


def _two_stages(plan: Plan) -> list[Arm]:
    """Arms whose runs begin with another arm's model, at half of the budget or, `-whole`, after all of it."""
    steps = plan.budget.steps
    data, play = _on_data(plan), _with_quality(plan.self_play, plan.quality)
    half = steps // 2
    return [
        Arm(
            name="lsp-then-rl",
            note="LSP for the first half of the steps, GRPO on data for the other.",
            config=replace(data, steps=steps - half),
            start=Start(arm="lsp", step=half),
        ),
        Arm(
            name="rl-then-lsp",
            note="GRPO on data for the first half of the steps, LSP for the other; the order of the paper's first version.",
            config=replace(play, steps=steps - half),
            start=Start(arm="grpo-data", step=half),
        ),
        Arm(
            name="lsp-zero-then-rl",
            note="LSP-Zero for the first half of the steps, GRPO on data for the other.",
            config=replace(data, steps=steps - half),
            start=Start(arm="lsp-zero", step=half),
        ),
        Arm(
            name="lsp-then-rl-whole",
            note="GRPO on data after LSP, each with the whole budget, as in the paper.",
            config=data,
            start=Start(arm="lsp", step=steps),
        ),
    ]


def _weakly_judged(plan: Plan) -> list[Arm]:
    zero = replace(plan.self_play, judge=plan.weak_judge)
    return [
        Arm(
            name="lsp-zero-weak",
            note="LSP-Zero with a judge that likes a style, whatever is asked.",
            config=zero,
        ),
        Arm(
            name="lsp-weak",
            note="LSP with that judge: quality stands beside it.",
            config=_with_quality(zero, plan.quality),
        ),
    ]


def _controls(plan: Plan) -> list[Arm]:
    return [
        Arm(
            name="random-reward",
            note="LSP-Zero whose returns are permuted within each role: no information is left in them.",
            config=replace(plan.self_play, reward="random"),
        )
    ]


def _on_data(plan: Plan) -> TrainConfig:
    """GRPO on fixed instructions; KL is k3 in the loss, as in the library that the paper used."""
    config = plan.self_play
    return replace(
        config,
        games=plan.on_data,
        algorithm="grpo",
        options={"kl_coef": 0.05},
        learner=replace(config.learner, lr=plan.data_rate),
    )


def _with_quality(config: TrainConfig, games: tuple[GameMix, ...]) -> TrainConfig:
    """LSP in the place of LSP-Zero."""
    return replace(config, games=games, algorithm="lsp")
