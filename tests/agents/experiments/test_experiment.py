"""Records of an experiment check themselves and round-trip."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agents.config.game_mix import GameMix
from agents.config.learner import LearnerConfig
from agents.config.run import TrainConfig
from agents.experiments.arm import Arm, Start, Tuning
from agents.experiments.experiment import Budget, Experiment
from agents.experiments.measure import Measure, ProblemSet

CONFIG = TrainConfig(games=(GameMix(env_id="SelfPlay/Deduction-v0"),), steps=5, tokens_per_step=70)
PROBLEMS = ProblemSet(name="held-out", tasks="tiny", samples=4)
ARM = Arm(name="play", note="Plays.", config=CONFIG, seeds=(0, 1))
TUNED = Arm(name="tuned", note="", config=CONFIG, tuning=Tuning(setting="learner.lr", values=(1e-3, 1e-4), seed=9))
KEEPS = replace(ARM, config=replace(CONFIG, keep_models_every=2))
SECOND = Arm(name="second", note="", config=replace(CONFIG, steps=3), seeds=(1,), start=Start(arm="play", step=2))
"""Begins with the model of `play` after two of its five steps."""
EXPERIMENT = Experiment(
    name="mine",
    model="tiny",
    arms=(Arm(name="base", note="As it is."), ARM, TUNED),
    budget=Budget(steps=5, tokens_per_step=70),
    measure=Measure(sets=(PROBLEMS,), validation=replace(PROBLEMS, name="validation")),
)


def with_arms(*arms: Arm) -> Experiment:
    return replace(EXPERIMENT, arms=arms)


@pytest.mark.parametrize("style", [None, replace(PROBLEMS, name="style", judge="styled")], ids=["", "style"])
def test_it_round_trips_through_json(style: ProblemSet | None) -> None:
    measure = replace(EXPERIMENT.measure, style=style)
    experiment = replace(EXPERIMENT, arms=(*EXPERIMENT.arms[:1], KEEPS, SECOND), measure=measure)
    for one in (EXPERIMENT, experiment):
        assert Experiment.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_records_of_before_arms_could_begin_with_another_s_model_are_read() -> None:
    data = json.loads(json.dumps(EXPERIMENT.to_json()))
    for arm in data["arms"]:
        del arm["start"]
    del data["measure"]["style"], data["measure"]["sets"][0]["judge"]
    assert Experiment.from_json(data) == EXPERIMENT


def test_two_stages_share_the_budget_or_have_one_each() -> None:
    whole = replace(SECOND, name="whole", config=CONFIG, start=Start(arm="play", step=5))
    experiment = with_arms(KEEPS, SECOND, whole)
    assert (SECOND.updates_before, whole.updates_before, ARM.updates_before) == (2, 5, 0)
    assert experiment.meaning[-2].startswith("Two stages make up the budget of second:")
    assert experiment.meaning[-1] == "Each of two stages has the whole budget in whole."
    assert EXPERIMENT.meaning == EXPERIMENT.budget.meaning


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(ARM, name="Self Play"), r"Arm\.name='Self Play' is no name of a folder"),
        (lambda: replace(ARM, seeds=()), r"Arm\.seeds=\(\) of play"),
        (lambda: replace(ARM, seeds=(1, 1)), r"Arm\.seeds=\(1, 1\) of play"),
        (lambda: replace(TUNED, seeds=(9,)), r"Tuning\.seed=9 of tuned is one of the arm's own"),
        (lambda: replace(TUNED, config=None), r"Tuning\.setting='learner\.lr' of tuned"),
        (lambda: Budget(steps=0, tokens_per_step=1), r"Budget\.steps=0"),
        (lambda: Budget(steps=1, tokens_per_step=0), r"Budget\.tokens_per_step=0"),
        (lambda: replace(PROBLEMS, samples=0), r"ProblemSet\.samples=0"),
        (lambda: replace(PROBLEMS, name="a/b"), r"ProblemSet\.name='a/b'"),
        (lambda: replace(EXPERIMENT, arms=(ARM, ARM)), r"Experiment\.arms=\['play', 'play'\]"),
        (lambda: replace(EXPERIMENT, budget=Budget(steps=6, tokens_per_step=70)), "steps=5 of arm play is not .* 6"),
        (lambda: replace(EXPERIMENT, budget=Budget(steps=5, tokens_per_step=71)), "tokens_per_step=70 of arm play"),
        (lambda: replace(SECOND, config=None), r"Arm\.start=.* of second is for an arm that trains"),
        (lambda: Start(arm="play", step=0), r"Start\.step=0"),
        (lambda: with_arms(SECOND), r"Arm\.start=.* of second is no arm that trains"),
        (lambda: with_arms(KEEPS, replace(SECOND, seeds=(2,))), r"Arm\.start=.* of second is no arm .* with its seeds"),
        (lambda: with_arms(ARM, SECOND), r"Arm\.start=.* of second is no step whose model stays; keep_models_every=0"),
        (
            lambda: with_arms(KEEPS, replace(SECOND, start=Start(arm="play", step=3))),
            r"Arm\.start=.*step=3.* of second is no step whose model stays; keep_models_every=2",
        ),
        (lambda: with_arms(KEEPS, replace(SECOND, config=CONFIG)), "steps=5 of arm second is not the experiment's 3"),
        (lambda: replace(PROBLEMS, against_start=True), r"ProblemSet\.judge='' of held-out"),
        (lambda: replace(EXPERIMENT, model="smollm2"), "model='tiny' of arm play"),
        (
            lambda: replace(EXPERIMENT, arms=(replace(ARM, config=replace(CONFIG, learner=LearnerConfig(weight_decay=0.1))),)),
            r"learner\.weight_decay=0\.1 of arm play changes every weight",
        ),
    ],
)
def test_what_makes_no_experiment_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_seeds_are_of_the_arms_that_train() -> None:
    assert [arm.seeds for arm in EXPERIMENT.with_seeds(3).arms] == [(0,), (0, 1, 2), (0, 1, 2)]


def test_what_equal_means_is_said() -> None:
    all_tokens, answers = (Budget(steps=5, tokens_per_step=7_000, counted=counted).meaning for counted in ("all", "answers"))
    assert all_tokens[0] == "Equal in every arm: 5 optimiser steps, 7,000 trained tokens per step, of all roles."
    assert answers[0].endswith("of roles that answer, what proposers train on comes on top.")
    assert all_tokens[1:] == answers[1:]
    assert "Weight decay is 0" in all_tokens[-1]
