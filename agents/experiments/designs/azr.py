"""The experiment `azr`: self-play, fixed tasks and gold replies side by side, as in the first study of self-play's effects.

See: Chae, Alam and Rastogi, Towards understanding self-play for LLM reasoning, arXiv 2510.27072. The paper compares released
models that were trained with other data, budgets and seeds; here all arms are of one harness and one budget.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from ...config.game_mixes import fixed_code_games
from ...config.run import TrainConfig
from ..arm import Arm, Tuning
from ..experiment import Experiment
from ..measure import ProblemSet
from .azr_plans import Plan, large_plan, tiny_plan
from .scale import Scale, arms_of_scale

SEEDS, FEWER_SEEDS = (0, 1, 2, 3, 4), (0, 1, 2)
TUNING_SEED = 1_000
"""Of the runs that settings are chosen by; none of an arm's own."""
CORE = ("base", "base-tempered", "sft", "rlvr", "self-play", "half-peak", "frozen", "random-reward")
FAST = ("base", "sft", "rlvr", "self-play", "frozen")


def azr(
    *,
    model: str = "tiny",
    scale: Scale = "core",
    counted: Literal["all", "answers"] = "all",
    benchmark: str = "",
    device: str = "auto",
    sandbox: str = "auto",
) -> Experiment:
    """The experiment.

    Args:
        model: `tiny`, or a model of `TrainConfig.model`, whose arms have the settings of `azr-3b`.
        scale: `core` has the arms of the paper's claims, `full` all, `fast` four that train, for a quarter of an hour.
        counted: The matching; see `Budget`.
        benchmark: What is measured in the place of the tiny model's problems, as `EvalConfig.tasks`; other models need it.
        device: As `TrainConfig.device`.
        sandbox: As `TrainConfig.sandbox`.

    Raises:
        ValueError: No benchmark is named for a model that the tiny model's problems are not made for.
    """
    if model != "tiny" and not benchmark:
        raise ValueError(f"benchmark='' with model={model!r}: the tiny model's problems are not for it; name some, as gsm8k.")
    plan = tiny_plan(scale, counted) if model == "tiny" else large_plan(model, counted)
    if benchmark:
        samples = plan.measure.sets[0].samples
        sets = (ProblemSet(name="benchmark", tasks=benchmark, samples=samples),)
        plan = replace(plan, measure=replace(plan.measure, sets=sets))
    plan = replace(plan, base=replace(plan.base, device=device, sandbox=sandbox))
    return Experiment(
        name="azr",
        model=model,
        arms=arms_of_scale(arms_of(plan), scale, CORE, FAST),
        budget=plan.budget,
        measure=plan.measure,
        device=device,
        sandbox=sandbox,
    )


def arms_of(plan: Plan) -> dict[str, Arm]:
    """All arms by name, in the order of tables."""
    base = _rewarded(plan.base, "one_minus")
    arms = [*_untrained(plan), *_on_fixed_tasks(plan), *_self_play(base), *_without_a_proposer(base)]
    random = Arm(
        name="random-reward",
        note="Self-play whose returns are permuted within role and task type: no information is left in them.",
        config=replace(base, reward="random"),
    )
    seeded = [arm if arm.config is None else replace(arm, seeds=SEEDS) for arm in arms]
    return {arm.name: arm for arm in (*seeded, replace(random, seeds=FEWER_SEEDS))}


def _untrained(plan: Plan) -> list[Arm]:
    return [
        Arm(name="base", note="The model as it is."),
        Arm(
            name="base-tempered",
            note="The model as it is, its answers drawn at the temperature with the best pass@1 on the validation problems: "
            "what sharpening alone would give.",
            tuning=Tuning(setting="temperature", values=plan.temperatures, seed=TUNING_SEED),
        ),
    ]


def _on_fixed_tasks(plan: Plan) -> list[Arm]:
    sft = _fixed(plan, "sft", attempts=1, gold=1)
    return [
        Arm(name="sft", note="Imitates gold replies to fixed tasks; samples nothing.", config=sft),
        Arm(
            name="sft-tuned",
            note="The same at the learning rate with the best pass@1 on the validation problems.",
            config=sft,
            tuning=Tuning(setting="learner.lr", values=plan.rates, seed=TUNING_SEED),
        ),
        Arm(
            name="rft",
            note="Rejection sampling: imitates the gold reply and, of three samples, those that are right.",
            config=_fixed(plan, "rft", attempts=4, gold=1),
        ),
        Arm(
            name="rlvr",
            note="Verified rewards on the fixed tasks that SFT imitates.",
            config=_fixed(plan, "trr++", attempts=8),
        ),
    ]


def _self_play(base: TrainConfig) -> list[Arm]:
    """Arms that differ in what a proposer earns for a task."""
    shapes = {
        "self-play": ("one_minus", "1 - p"),
        "half-peak": ("half_peak", "1 - 2|p - 1/2|"),
        "min-p": ("min_p", "min(p, 1 - p)"),
        "variance": ("variance", "4 p (1 - p)"),
        "band": ("band", "1"),
    }
    return [
        Arm(
            name=name,
            note=f"Self-play whose proposer earns {shape} for a task that a share p of its panel solved, 0 if all or none did.",
            config=_rewarded(base, learnability),
        )
        for name, (learnability, shape) in shapes.items()
    ]


def _without_a_proposer(base: TrainConfig) -> list[Arm]:
    """Arms in which only the solver trains; they play more episodes, as proposals do not count."""
    more = _more_episodes(base) if base.tokens_counted == "all" else base
    base = _without_shares(more)
    return [
        Arm(
            name="frozen",
            note="Self-play whose proposer is a copy of the starting weights for ever; only the solver trains.",
            config=replace(base, schedule="frozen:proposer"),
        ),
        Arm(
            name="frozen-shared",
            note="Self-play in which only solver messages train: the proposer has the solver's weights, which drift. What the "
            "paper calls frozen, and Absolute Zero's ablation `solver-only` (train_propose=False).",
            config=replace(base, train_roles=("solver",)),
        ),
        Arm(
            name="solver-only",
            note="The solver learns from a buffer that the starting weights fill in the first steps and that stays as it is "
            "then: neither a proposer that learns nor new tasks. Not Absolute Zero's ablation of that name: see frozen-shared.",
            config=_solver_only(base),
        ),
    ]


def _fixed(plan: Plan, algorithm: str, *, attempts: int, gold: int = 0) -> TrainConfig:
    """The base run on fixed tasks in the place of proposals."""
    name = {"trr++": "rlvr"}.get(algorithm, algorithm)
    games = fixed_code_games(plan.style, attempts=attempts, fixed=plan.fixed[name], tasks=plan.tasks, exclude="tiny", gold=gold)
    base = _without_shares(plan.base)
    return replace(base, games=games, algorithm=algorithm, options=base.options if algorithm == "trr++" else {})


def _without_shares(config: TrainConfig) -> TrainConfig:
    """The run where proposers do not train, so that no share of the loss can be theirs."""
    return replace(config, options={name: value for name, value in config.options.items() if name != "role_shares"})


def _more_episodes(config: TrainConfig) -> TrainConfig:
    """The run with a quarter more episodes of each kind."""
    games = (replace(mix, fresh=math.ceil(1.25 * mix.fresh), replay=math.ceil(1.25 * mix.replay)) for mix in config.games)
    return replace(config, games=tuple(games))


def _rewarded(config: TrainConfig, learnability: str) -> TrainConfig:
    """The run with another reward of proposers."""
    games = (replace(mix, kwargs={**mix.kwargs, "learnability": learnability}) for mix in config.games)
    return replace(config, games=tuple(games))


def _solver_only(config: TrainConfig) -> TrainConfig:
    """A fixed buffer of what the starting weights propose, from which alone the solver learns."""
    episodes = max(mix.fresh + mix.replay for mix in config.games)
    fresh = max(1, episodes // 4)
    games = tuple(
        replace(mix, fresh=fresh, replay=episodes - fresh, capacity=64, keep="oldest", raters="discard") for mix in config.games
    )
    return replace(config, games=games, schedule="frozen:proposer")
