"""Presets for large models: what sets them apart from one another, and which options their switches are."""

import re
from dataclasses import fields, replace

import pytest

from agents.algorithms.table import find_algorithm
from agents.config.game_keywords import keywords_of
from agents.config.large_presets import azr_8b
from agents.config.objective import Objective
from agents.config.presets import find_preset


def test_the_run_of_one_and_a_half_billion_weights_is_the_large_one_but_for_what_it_says():
    small, large = find_preset("azr-1.5b"), find_preset("azr-8b")
    changed = {one.name for one in fields(large) if getattr(small, one.name) != getattr(large, one.name)}
    assert changed == {"model", "games", "steps", "sampling", "sampler", "max_rows"}
    assert [mix.env_id for mix in small.games] == [mix.env_id for mix in large.games]
    for mine, theirs in zip(small.games, large.games, strict=True):
        assert replace(mine, fresh=theirs.fresh, replay=theirs.replay, references=theirs.references) == theirs
        assert (4 * mine.fresh, 4 * mine.replay) == (theirs.fresh, theirs.replay)


def test_the_papers_own_models_are_trained_with_the_constants_of_the_large_run():
    large, seven, three = (find_preset(name) for name in ("azr-8b", "azr-7b", "azr-3b"))
    assert seven == replace(large, model="Qwen/Qwen2.5-Coder-7B")
    changed = {one.name for one in fields(large) if getattr(three, one.name) != getattr(large, one.name)}
    assert changed == {"model", "learner", "sampler"}
    assert three.model == "Qwen/Qwen2.5-Coder-3B"
    assert three.learner == replace(large.learner, lora_rank=0, lr=1e-6)  # the paper's: all weights, at its learning rate


def test_a_reply_and_its_prompt_fit_the_engine_of_every_large_run():
    limits = {"azr-1.5b": 6_144, "azr-3b": 14_240, "azr-7b": 14_240, "azr-8b": 14_240, "lsp-3b": 4_096, "grpo-data": 4_096}
    for name, limit in limits.items():
        config = find_preset(name)
        assert f"max_model_len={limit}" in config.sampler
        assert limit - config.sampling.max_new_tokens >= 3_584  # what is left for a prompt
        assert limit <= config.learner.micro_batch_tokens  # no message is larger than what is planned for


def test_every_switch_that_the_large_run_names_is_an_option_with_the_value_that_it_says():
    run = azr_8b()
    mix, names = run.games[0], set(re.findall(r"`(?:learner\.)?(\w+)`", (azr_8b.__doc__ or "").partition("Deviations")[0]))
    assert names == {
        *("extreme_credit", "duplicate_credit", "raters", "newest", "keep", "seeds", "tasks"),
        *("statistics", "entropy_coef", "clip_high", "weight_decay"),
    }
    assert keywords_of(mix.env_id)["extreme_credit"] == mix.kwargs["extreme_credit"] == -0.5
    assert (mix.duplicate_credit, mix.raters, mix.newest, mix.keep, mix.seeds, mix.tasks) == (
        None,
        "train",
        0.5,
        "newest",
        0,
        "",
    )
    assert (run.options["entropy_coef"], run.learner.weight_decay) == (0.001, 0.01)
    assert "entropy_coef" in {one.name for one in fields(Objective)}
    others = replace(mix, raters="discard", newest=1.0, keep="oldest", duplicate_credit=-1.0)
    assert replace(run, games=(others, *run.games[1:]), options={**run.options, "statistics": "sequence", "clip_high": 0.28})


def test_the_baseline_on_data_is_self_play_without_a_challenger_and_at_a_third_of_its_rate():
    play, data = find_preset("lsp-3b"), find_preset("grpo-data")
    changed = {one.name for one in fields(play) if getattr(data, one.name) != getattr(play, one.name)}
    assert changed == {"games", "algorithm", "options", "learner"}
    assert data.learner == replace(play.learner, lr=1e-5)
    assert play.learner.lr == pytest.approx(3 * data.learner.lr)  # table 1: 3e-6 and 1e-6, ten times as much for adapters
    [theirs], [mine] = play.games, data.games
    assert (theirs.fresh, theirs.task_source) == (8, "")
    assert (mine.fresh, mine.fixed, mine.task_source) == (0, 8, "alpaca")
    kwargs = {name: value for name, value in theirs.kwargs.items() if name != "quality_weight"}
    assert mine.kwargs == kwargs
    assert play.judge == data.judge == "reward-model:id=Skywork/Skywork-Reward-V2-Llama-3.2-3B"


def test_self_play_and_its_baseline_have_the_papers_weight_of_kl():
    for name in ("lsp-3b", "lsp-tiny", "grpo-data", "grpo-data-tiny"):
        config = find_preset(name)
        assert find_algorithm(config.algorithm).configured(config.options).objective.kl_coef == 0.05


def test_the_tiny_pair_differs_in_where_instructions_come_from_and_holds_the_same_ones_out():
    play, data = find_preset("lsp-tiny"), find_preset("grpo-data-tiny")
    changed = {one.name for one in fields(play) if getattr(data, one.name) != getattr(play, one.name)}
    assert changed == {"games", "algorithm", "options"}
    assert (play.games[0].exclude, data.games[0].exclude) == ("tiny", "tiny")
    assert play.evaluation.tasks == data.evaluation.tasks == "tiny-instructions"
