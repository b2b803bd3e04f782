"""The experiment `lsp`: its arms differ in what their names say, and in nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agents.config.run import TrainConfig
from agents.experiments.arm import Start
from agents.experiments.designs.lsp import CORE, FAST, lsp
from agents.experiments.experiment import Experiment
from agents.training.checks import check_run

LARGE: dict[str, Any] = {"model": "org/large", "benchmark": "alpacaeval", "judge": "endpoint:url=http://localhost,model=m"}


def config(experiment: Experiment, arm: str) -> TrainConfig:
    found = experiment.arm(arm).config
    assert found is not None
    return found


def changes(experiment: Experiment, arm: str, other: str) -> dict[str, Any]:
    """What an arm has otherwise than another, games aside."""
    mine, theirs = (config(experiment, name).to_json() for name in (arm, other))
    return {name: value for name, value in mine.items() if value != theirs[name] and name != "games"}


@pytest.mark.parametrize("settings", [{}, {"counted": "answers"}, LARGE], ids=["tiny", "answers", "large"])
def test_all_arms_have_one_budget_and_no_weight_decay(settings: dict[str, Any]) -> None:
    experiment = lsp(scale="full", **settings)
    for arm in experiment.arms:
        if arm.config is not None:
            assert (arm.config.steps + arm.updates_before) in (experiment.budget.steps, 2 * experiment.budget.steps)
            assert arm.config.learner.weight_decay == 0
            assert arm.config.record_tokens
            assert arm.config.evaluation.tasks == "none" or not arm.config.evaluation.before
    assert {arm.name for arm in experiment.arms if arm.updates_before == experiment.budget.steps} == {"lsp-then-rl-whole"}


def test_an_arm_differs_in_what_its_name_says() -> None:
    experiment = lsp(scale="full")
    assert changes(experiment, "lsp", "lsp-zero") == {"algorithm": "lsp"}
    [zero], [play] = config(experiment, "lsp-zero").games, config(experiment, "lsp").games
    assert play == replace(zero, kwargs={**zero.kwargs, "quality_weight": 1.0, "quality_judge": "criteria"})
    assert changes(experiment, "grpo-data", "lsp-zero") == {"algorithm": "grpo", "options": {"kl_coef": 0.05}}
    [data] = config(experiment, "grpo-data").games
    assert (data.fresh, data.fixed, data.tasks, data.kwargs["attempts"]) == (0, 8, "tiny", zero.kwargs["attempts"])
    half = experiment.budget.steps // 2
    for name, first, second in (
        ("lsp-then-rl", "lsp", "grpo-data"),
        ("rl-then-lsp", "grpo-data", "lsp"),
        ("lsp-zero-then-rl", "lsp-zero", "grpo-data"),
    ):
        assert experiment.arm(name).start == Start(arm=first, step=half)
        assert config(experiment, name) == replace(config(experiment, second), steps=half)
    assert experiment.arm("lsp-then-rl-whole").start == Start(arm="lsp", step=experiment.budget.steps)
    assert config(experiment, "lsp-then-rl-whole") == config(experiment, "grpo-data")
    for name, strong in (("lsp-zero-weak", "lsp-zero"), ("lsp-weak", "lsp")):
        assert changes(experiment, name, strong) == {"judge": "styled:style=repetition,weight=0.8"}
        assert config(experiment, name).games == config(experiment, strong).games
    assert changes(experiment, "random-reward", "lsp-zero") == {"reward": "random"}


def test_every_run_could_begin() -> None:
    for arm in lsp(scale="full").arms:
        if arm.config is not None:
            check_run(replace(arm.config, evaluation=replace(arm.config.evaluation, limit=1)))


def test_scales_choose_arms_seeds_and_length() -> None:
    core, full, fast = (lsp(scale=scale) for scale in ("core", "full", "fast"))
    assert [arm.name for arm in core.arms] == list(CORE)
    assert {arm.name for arm in core.arms} < {arm.name for arm in full.arms}
    assert [arm.name for arm in fast.arms] == list(FAST)
    seeds = {arm.name: len(arm.seeds) for arm in core.arms if arm.config is not None}
    assert seeds == {
        **dict.fromkeys(("grpo-data", "lsp-zero", "lsp"), 5),
        **dict.fromkeys(("lsp-then-rl", "rl-then-lsp", "lsp-zero-weak", "lsp-weak"), 3),
    }
    assert [len(arm.seeds) for arm in fast.arms if arm.config is not None] == [2] * 3


def test_weakly_judged_arms_are_measured_by_rules() -> None:
    experiment = lsp()
    [held_out] = experiment.measure.sets
    assert (held_out.tasks, held_out.judge) == ("tiny-instructions", "rules")
    style = experiment.measure.style
    assert style is not None
    assert (style.tasks, style.judge) == ("tiny-instructions", "styled:style=repetition,weight=1")
    for arm in experiment.arms:
        assert arm.config is None or arm.config.evaluation.judge == "rules"
        assert arm.config is None or arm.config.evaluation.tasks == "tiny-instructions-validation"


def test_large_models_need_requests_and_a_judge() -> None:
    large = lsp(**LARGE)
    [benchmark] = large.measure.sets
    assert (benchmark.tasks, benchmark.judge, benchmark.against_start) == ("alpacaeval", LARGE["judge"], True)
    [zero], [play] = config(large, "lsp-zero").games, config(large, "lsp").games
    assert [mix.kwargs["quality_weight"] for mix in (zero, play)] == [0, 1]
    assert play.kwargs.get("quality_judge", "self") == "self"
    assert config(large, "lsp").judge.startswith("reward-model:id=Skywork")
    assert config(large, "lsp-weak").judge == "reward-model:id=OpenAssistant/reward-model-deberta-v3-large-v2"
    for missing in ("benchmark", "judge"):
        with pytest.raises(ValueError, match=f"^{missing}='' with model='org/large'"):
            lsp(**{**LARGE, missing: ""})
        with pytest.raises(ValueError, match=f"^{missing}='x' is for other models than tiny"):
            lsp(**{missing: "x"})
