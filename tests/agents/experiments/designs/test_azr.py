"""The experiment `azr`: its arms differ in what their names say, and in nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from agents.config.run import TrainConfig
from agents.experiments.designs.azr import CORE, FAST, TUNING_SEED, azr
from agents.experiments.experiment import Experiment
from agents.training.checks import check_run

LARGE = {"model": "Qwen/Qwen2.5-Coder-3B", "benchmark": "humaneval"}


def config(experiment: Experiment, arm: str) -> TrainConfig:
    found = experiment.arm(arm).config
    assert found is not None
    return found


def changes(experiment: Experiment, arm: str) -> dict[str, Any]:
    """What is not self-play's in an arm, games aside."""
    mine, play = (config(experiment, name).to_json() for name in (arm, "self-play"))
    return {name: value for name, value in mine.items() if value != play[name] and name != "games"}


@pytest.mark.parametrize("settings", [{}, {"counted": "answers"}, LARGE], ids=["tiny", "answers", "large"])
def test_all_arms_have_one_budget_one_learner_and_no_weight_decay(settings: Mapping[str, Any]) -> None:
    experiment = azr(scale="full", **settings)
    configs = [arm.config for arm in experiment.arms if arm.config is not None]
    assert len(configs) == 13
    assert len({repr(one.learner) for one in configs}) == 1  # tuned ones choose their rate later
    assert len({(one.steps, one.tokens_per_step, one.tokens_counted) for one in configs}) == 1
    assert all(one.learner.weight_decay == 0 for one in configs)
    assert all(mix.exclude == "tiny" for one in configs for mix in one.games)
    assert all(one.record_tokens and one.keep_models_every and not one.evaluation.before for one in configs)
    assert all(TUNING_SEED not in arm.seeds for arm in experiment.arms)
    for one in configs:
        check_run(replace(one, evaluation=replace(one.evaluation, limit=1)))


def test_an_arm_differs_from_self_play_in_what_its_name_says() -> None:
    experiment = azr(scale="full")
    assert changes(experiment, "half-peak") == {}
    assert changes(experiment, "rlvr") == {}
    assert changes(experiment, "sft") == changes(experiment, "sft-tuned") == {"algorithm": "sft"}
    assert changes(experiment, "rft") == {"algorithm": "rft"}
    assert changes(experiment, "frozen") == changes(experiment, "solver-only") == {"schedule": "frozen:proposer"}
    assert changes(experiment, "frozen-shared") == {"train_roles": ("solver",)}
    assert changes(experiment, "random-reward") == {"reward": "random"}
    play = config(experiment, "self-play").games
    for name, learnability in (("half-peak", "half_peak"), ("min-p", "min_p"), ("variance", "variance"), ("band", "band")):
        for mix, mine in zip(play, config(experiment, name).games, strict=True):
            assert replace(mine, kwargs={**mine.kwargs, "learnability": "one_minus"}) == mix
            assert mine.kwargs["learnability"] == learnability
    assert config(experiment, "random-reward").games == play
    for name in ("frozen", "frozen-shared"):  # they play more episodes, as proposals do not count
        assert {(mix.fresh, mix.replay) for mix in config(experiment, name).games} == {(10, 5)}
        assert tuple(replace(mix, fresh=8, replay=4) for mix in config(experiment, name).games) == play
    counted = azr(scale="full", counted="answers")
    assert config(counted, "frozen").games == config(counted, "self-play").games
    assert [(mix.fixed, mix.gold, mix.tasks) for mix in config(experiment, "sft").games] == [(77, 1, "tiny")] * 3
    assert all(mix.gold == 0 and mix.kwargs["attempts"] == 8 for mix in config(experiment, "rlvr").games)
    [mix, *_] = config(experiment, "solver-only").games
    assert (mix.keep, mix.raters, mix.capacity, mix.fresh, mix.replay) == ("oldest", "discard", 64, 3, 12)


def test_scales_choose_arms_seeds_and_length() -> None:
    core, full, fast = (azr(scale=scale) for scale in ("core", "full", "fast"))
    assert [arm.name for arm in core.arms] == list(CORE)
    assert {arm.name for arm in core.arms} < {arm.name for arm in full.arms}
    assert [arm.name for arm in fast.arms] == list(FAST)
    seeds = {arm.name: len(arm.seeds) for arm in core.arms if arm.config is not None}
    assert seeds == {**dict.fromkeys(("sft", "rlvr", "self-play", "half-peak", "frozen"), 5), "random-reward": 3}
    assert sum(seeds.values()) == 28
    assert [len(arm.seeds) for arm in fast.arms if arm.config is not None] == [2] * 4
    assert (core.budget.steps, fast.budget.steps) == (100, 40)
    assert core.arm("frozen") == full.arm("frozen")  # a grid can be made a full one


def test_problems_are_held_out_and_settings_are_chosen_on_others() -> None:
    experiment = azr()
    [held_out, other] = experiment.measure.sets
    assert (held_out.tasks, held_out.samples, held_out.limit) == ("tiny", 128, 120)
    assert held_out.samples >= 2 * 64  # pass@k up to 64
    assert other.tasks == "tiny-out-of-domain"
    validation = experiment.measure.validation.tasks
    assert validation == "tiny-validation"
    assert all(arm.config is None or arm.config.evaluation.tasks == validation for arm in experiment.arms)
    assert experiment.measure.temperature == 1.0
    tuned = azr(scale="full").arm("sft-tuned").tuning
    assert tuned is not None
    assert config(experiment, "sft").learner.lr in tuned.values


def test_another_model_needs_problems_of_its_own() -> None:
    with pytest.raises(ValueError, match=r"^benchmark='' with model='Qwen/Qwen2.5-Coder-3B'"):
        azr(model="Qwen/Qwen2.5-Coder-3B")
    large = azr(**LARGE)  # type: ignore[arg-type]
    assert [(one.name, one.tasks, one.samples) for one in large.measure.sets] == [("benchmark", "humaneval", 128)]
    assert large.measure.sampler == "vllm:dtype=bfloat16,max_model_len=14240,gpu_memory_utilization=0.4"
    play = config(large, "self-play")
    assert (play.learner.lr, play.learner.dtype, play.learner.lora_rank) == (1e-6, "bfloat16", 0)
    assert all(mix.kwargs["style"] == "full" for arm in large.arms if arm.config for mix in arm.config.games)
    assert "role_shares" in play.options
    assert "role_shares" not in config(large, "frozen").options  # a proposer that does not train has no share
    [tiny] = azr(benchmark="gsm8k").measure.sets
    assert tiny.tasks == "gsm8k"
