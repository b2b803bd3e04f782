from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from agents.config.game_mix import NEWER
from agents.config.game_mixes import challenge
from agents.config.learner import LearnerConfig
from agents.config.presets import PRESETS, find_preset
from agents.config.run import EvalConfig, GameMix, TrainConfig
from agents.config.sampling import Sampling
from selfplay_envs import make_game


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_round_trip_through_json(name: str) -> None:
    config = find_preset(name)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_an_unknown_field_is_named() -> None:
    data = find_preset("kuhn-tiny").to_json()
    with pytest.raises(ValueError, match=r"LearnerConfig has no field 'momentum'"):
        TrainConfig.from_json({**data, "learner": {"momentum": 0.9}})


KUHN = "SelfPlay/KuhnPoker-v0"
GAMES = (GameMix(env_id="A"),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"games": ()}, r"games=\(\) is empty"),
        ({"games": GAMES * 2}, "names a game twice"),
        (
            {"games": (GameMix(env_id="X/Deduction-v0"), GameMix(env_id="Y-v0", name="deduction"))},
            "name='deduction' means another",
        ),
        ({"games": (GameMix(env_id="X-v0", name="a"), GameMix(env_id="X-v0", name="A"))}, "name='a' means another"),
        ({"games": (GameMix(env_id=KUHN, references_from=("B",)),)}, "names 'B'"),
        ({"games": (GameMix(env_id="SelfPlay/Kuhn-v0", references_from=(KUHN,)),)}, "env_id='SelfPlay/Kuhn-v0'"),
        ({"steps": 0}, "TrainConfig.steps=0"),
        ({"reward": "sideways"}, "reward='sideways'"),
        ({"tokens_per_step": -1}, "TrainConfig.tokens_per_step=-1"),
        ({"tokens_counted": "solver"}, "tokens_counted='solver' is not known; choose all or answers"),
        ({"keep_models_every": -1}, "TrainConfig.keep_models_every=-1"),
        ({"lanes": 0}, "TrainConfig.lanes=0"),
        ({"staleness": 2}, "staleness=2 is above 1"),
        ({"schedule": "every:solver"}, "schedule='every:solver'"),
        ({"sampler": "llama.cpp"}, "sampler='llama.cpp'"),
        ({"sampler": "endpoint:url=http://x,model=m"}, "which training cannot change"),
        ({"trackers": ("paper",)}, "names 'paper'"),
        ({"sampling": Sampling(temperature=0)}, "training needs temperature > 0"),
        ({"sampling": Sampling(top_p=0.9)}, "top_p=0.9"),
    ],
)
def test_a_wrong_run_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TrainConfig(games=GAMES), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fresh": -1}, "GameMix.fresh=-1"),
        ({"fresh": 0, "replay": 4}, "GameMix.fresh=0 of 'A': .* would never be played"),
        ({"novelty": "new"}, "novelty='new'"),
        ({"name": "reward"}, "name='reward' of"),
        ({"newest": 1.5}, "newest=1.5"),
        ({"capacity": 0}, "capacity=0"),
    ],
)
def test_a_wrong_mix_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GameMix(env_id="A", **changes)


def test_a_wrong_evaluation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"EvalConfig\.samples=0"):
        EvalConfig(samples=0)


NAN, INF = float("nan"), float("inf")


def numbers_of(record: object) -> list[tuple[type[Any], str, str]]:
    """Every number of a record: its class, name and kind."""
    kinds = {one.name: str(one.type).partition(" | ")[0] for one in fields(record)}  # type: ignore[arg-type]
    return [(type(record), name, kind) for name, kind in kinds.items() if kind in ("int", "float")]


RECORDS = (LearnerConfig(), Sampling(), EvalConfig(), GAMES[0], TrainConfig(games=GAMES))


@pytest.mark.parametrize(("cls", "name", "kind"), [one for record in RECORDS for one in numbers_of(record)])
@pytest.mark.parametrize("value", [NAN, INF, -INF, True, "1", -1e-9, -1])
def test_no_number_takes_nonsense(cls: type[Any], name: str, kind: str, value: Any) -> None:
    given = {GameMix: {"env_id": "A"}, TrainConfig: {"games": GAMES}}.get(cls, {})
    if name == "duplicate_credit" and value in (-1, -1e-9):
        assert cls(**given, **{name: value}).duplicate_credit == value
        return
    with pytest.raises(ValueError, match=rf"^{cls.__name__}\.{name}={value!r} .*; .*\.$") as raised:
        cls(**given, **{name: value})
    assert "negative" not in str(raised.value)
    if kind == "int":
        with pytest.raises(ValueError, match=rf"{cls.__name__}\.{name}=2\.5 is not a whole number; choose one\."):
            cls(**given, **{name: 2.5})


@pytest.mark.parametrize(
    ("cls", "given", "says"),
    [
        (LearnerConfig, {"gradient_checkpointing": "no"}, "LearnerConfig.gradient_checkpointing='no' is not True or False"),
        (LearnerConfig, {"share_prompts": 0}, "LearnerConfig.share_prompts=0 is not True or False"),
        (TrainConfig, {"games": GAMES, "model": 3}, "TrainConfig.model=3 is not a text"),
        (EvalConfig, {"tasks": None}, "EvalConfig.tasks=None is not a text"),
    ],
)
def test_switches_and_texts_take_no_nonsense(cls: type[Any], given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cls(**given)


def test_steps_of_the_optimiser_and_what_divides_are_positive() -> None:
    for name in ("epochs", "mini_batches"):
        with pytest.raises(ValueError, match=rf"LearnerConfig\.{name}=0 is below 1"):
            LearnerConfig(**{name: 0})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"LearnerConfig\.eps=0 is not above 0"):
        LearnerConfig(eps=0)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_config_of_before_games_had_names_is_that_of_now(name: str) -> None:
    """Then the presets said which key makes a task new: `pair` of induction, whose programs are given, else `task`."""
    config = find_preset(name)
    if any(mix.fresh == 0 for mix in config.games):
        pytest.skip("no run of before learned from fixed tasks alone")
    data = json.loads(json.dumps(config.to_json()))
    for game in data["games"]:
        for name in ("name", *NEWER):
            del game[name]
        game["novelty"] = "pair" if "Induction" in game["env_id"] else "task"
    assert TrainConfig.from_json(data) == config
    data["games"][0]["novelty"] = "task" if "Induction" in data["games"][0]["env_id"] else "pair"  # another choice stays
    assert TrainConfig.from_json(data).games[0].novelty == data["games"][0]["novelty"]


def test_an_evaluation_may_have_a_judge_of_its_own_and_none_in_older_records() -> None:
    config = replace(find_preset("lsp-tiny"), evaluation=EvalConfig(tasks="tiny-instructions", judge="rules"), judge="styled")
    plain = config.to_json()
    assert plain["evaluation"]["judge"] == "rules"
    assert TrainConfig.from_json(plain) == config
    del plain["evaluation"]["judge"]
    assert TrainConfig.from_json(plain).evaluation.judge == ""


def test_the_challenge_names_its_judge_of_quality_where_it_is_not_the_model_itself() -> None:
    [mix] = challenge("terse", attempts=2, quality_weight=1.0, quality_judge="criteria")
    assert make_game(mix.env_id, **mix.kwargs).judges == ("criteria",)
    [usual] = challenge("terse", attempts=2, quality_weight=1.0)
    assert make_game(usual.env_id, **usual.kwargs).judges == ("self",)
    assert usual.kwargs == {"attempts": 2, "style": "terse", "quality_weight": 1.0}
