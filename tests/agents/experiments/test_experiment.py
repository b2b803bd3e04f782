"""Records of an experiment check themselves and round-trip."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agents.config.game_mix import GameMix
from agents.config.learner import LearnerConfig
from agents.config.run import TrainConfig
from agents.experiments.experiment import Arm, Budget, Experiment, Measure, ProblemSet, Tuning

CONFIG = TrainConfig(games=(GameMix(env_id="SelfPlay/Deduction-v0"),), steps=5, tokens_per_step=70)
PROBLEMS = ProblemSet(name="held-out", tasks="tiny", samples=4)
ARM = Arm(name="play", note="Plays.", config=CONFIG, seeds=(0, 1))
TUNED = Arm(name="tuned", note="", config=CONFIG, tuning=Tuning(setting="learner.lr", values=(1e-3, 1e-4), seed=9))
EXPERIMENT = Experiment(
    name="mine",
    model="tiny",
    arms=(Arm(name="base", note="As it is."), ARM, TUNED),
    budget=Budget(steps=5, tokens_per_step=70),
    measure=Measure(sets=(PROBLEMS,), validation=replace(PROBLEMS, name="validation")),
)


def test_it_round_trips_through_json() -> None:
    assert Experiment.from_json(json.loads(json.dumps(EXPERIMENT.to_json()))) == EXPERIMENT


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
        (lambda: replace(EXPERIMENT, model="smollm2"), "model='tiny' of arm play"),
        (
            lambda: replace(EXPERIMENT, arms=(replace(ARM, config=replace(CONFIG, learner=LearnerConfig(weight_decay=0.1))),)),
            r"learner\.weight_decay=0\.1 of arm play would change every weight",
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
