"""The reward model's share of a GPU, by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.config.presets import find_preset
from agents.memory_plan.cards import GIB, Card, demand_of, fit_on
from agents.memory_plan.host import plan_host
from agents.memory_plan.judge import BATCH_TOKENS, JudgeMemory, asleep, classifier_weights, judge_memory
from agents.memory_plan.remedies import find_remedy
from agents.memory_plan.shapes import PUBLISHED, find_shape
from agents.training.checks import check_run
from tests.helpers.reward_models import build_classifier, save_classifier

LLAMA = PUBLISHED["meta-llama/Llama-3.2-3B-Instruct"]
RULES = replace(find_preset("lsp-3b"), judge="rules")
SKYWORK = "reward-model:id=Skywork/Skywork-Reward-V2-Llama-3.2-3B"
JUDGED = replace(RULES, judge=SKYWORK)
CARD = Card("card", 80.0)


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_a_classifier_has_as_many_weights_as_are_counted(kind: str, tmp_path: Path) -> None:
    shape = find_shape(save_classifier(tmp_path, kind))
    assert classifier_weights(shape) == sum(weight.numel() for weight in build_classifier(kind).parameters())


def test_it_is_counted_where_it_lies_and_while_it_is_awake() -> None:
    weights, working = 2 * (LLAMA.weights + 3_072), 2 * BATCH_TOKENS * (2 * 8_192 + 4 * 3_072)
    assert judge_memory(RULES) == JudgeMemory()
    assert judge_memory(JUDGED) == JudgeMemory(weights=weights, working=working)
    plain, judged = (fit_on(demand_of(config), CARD) for config in (RULES, JUDGED))
    assert (judged.playing - plain.playing, judged.updating - plain.updating) == (weights + working, weights)
    asleep = replace(JUDGED, judge=f"{SKYWORK},sleep=1,dtype=float32,batch_tokens=1024")
    fit = fit_on(demand_of(asleep), CARD)
    assert (fit.playing - plain.playing, fit.updating - plain.updating) == (2 * weights + working // 8, 0)
    assert plan_host(demand_of(asleep)).asleep - plan_host(demand_of(RULES)).asleep == 2 * weights
    assert judge_memory(replace(JUDGED, judge=f"{SKYWORK},device=cpu")) == JudgeMemory()


def test_beside_a_learner_with_a_card_of_its_own_it_lies_where_it_says() -> None:
    apart = replace(RULES, device="cuda:1")
    plain = fit_on(demand_of(apart), CARD)
    with_engine = fit_on(demand_of(replace(apart, judge=SKYWORK)), CARD)
    with_learner = fit_on(demand_of(replace(apart, judge=f"{SKYWORK},device=cuda:1")), CARD)
    judge = judge_memory(JUDGED)
    learner = demand_of(apart).learner
    assert with_engine.playing == max(learner.resident, plain.engine + judge.weights + judge.working)
    assert with_learner.playing == max(learner.resident + judge.weights + judge.working, plain.engine)
    assert with_learner.updating == learner.peak + judge.weights
    elsewhere = replace(apart, judge=f"{SKYWORK},device=cuda:2")
    assert judge_memory(elsewhere) == JudgeMemory()


def test_one_that_is_awake_can_be_put_to_sleep() -> None:
    assert asleep(SKYWORK) == f"{SKYWORK},sleep=1"
    assert asleep("rules") is None
    assert asleep(f"{SKYWORK},sleep=1") is None
    small = find_preset("azr-1.5b")
    full = replace(small, judge=SKYWORK, learner=replace(small.learner, lora_rank=0))  # its updates are what does not fit
    card = Card("card", (fit_on(demand_of(full), CARD).updating - GIB) / GIB / 0.95)
    remedy = find_remedy(full, card, check_run(full))
    assert remedy is not None
    assert "--judge reward-model:id=" in remedy.flags
    assert remedy.config.judge == asleep(SKYWORK)
