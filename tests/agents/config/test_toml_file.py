"""Settings as TOML: what is written reads back, what is wrong is one sentence that names file, setting and remedy."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents.config.presets import PRESETS, find_preset
from agents.config.run import GameMix, TrainConfig
from agents.config.toml_file import read_config_file, to_toml


def written(folder: Path, text: str) -> Path:
    path = folder / "my.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_reads_back_as_it_was(name: str, tmp_path: Path) -> None:
    config = find_preset(name)
    assert read_config_file(written(tmp_path, to_toml(config))) == config


def test_odd_values_read_back_as_they_were(tmp_path: Path) -> None:
    mix = GameMix(env_id='Mine/"Quoted"\\-v0', kwargs={"odd key": "ä\n", "on": True, "x": 1e-9}, duplicate_credit=None)
    config = replace(find_preset("kuhn-tiny"), games=(mix,), options={"kl_coef": 0.5}, train_roles=("first",))
    assert read_config_file(written(tmp_path, to_toml(config))) == config


def test_what_a_file_leaves_out_is_the_default_or_the_preset_s(tmp_path: Path) -> None:
    alone = read_config_file(written(tmp_path, 'steps = 3\n[[games]]\nenv_id = "A/B-v0"\n[learner]\nlr = 1'))
    assert alone == replace(TrainConfig(games=(GameMix(env_id="A/B-v0"),), steps=3), learner=alone.learner)
    assert (alone.learner.lr, type(alone.learner.lr)) == (1.0, float)
    preset = find_preset("azr-tiny")
    changed = read_config_file(
        written(tmp_path, "[evaluation]\nsamples = 2\n[evaluation.sampling]\nmax_new_tokens = 7"), preset
    )
    assert changed.evaluation.samples == 2
    assert changed.evaluation.sampling.max_new_tokens == 7
    assert changed.evaluation.tasks == "tiny"
    assert replace(changed, evaluation=preset.evaluation) == preset
    other = read_config_file(written(tmp_path, '[[games]]\nenv_id = "A/B-v0"'), preset)
    assert other.games == (GameMix(env_id="A/B-v0"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stesp = 3", "my.toml: 'stesp' is not a setting; did you mean 'steps'?"),
        ("[learner]\nlrr = 1", "'learner.lrr' is not a setting; did you mean 'learner.lr'?"),
        ("zzzz = 1", "'zzzz' is not a setting; choose of games, "),
        ('steps = "3"', "steps='3' is not a whole number"),
        ("steps = 3.5", "steps=3.5 is not a whole number"),
        ("steps = true", "steps=True is not a whole number"),
        ('[[games]]\nenv_id = "A"\nnovelty = "new"', "games.0.novelty='new' is not one of game, task, pair"),
        ('[[games]]\nenv_id = "A"\nkwargs = { attempts = [1] }', "games.0.kwargs.attempts=.1. is not "),
        ('[[games]]\nenv_id = "A"\n[[games]]\nfresh = 3', r"my.toml: games.1 lacks env_id; add it under \[\[games\]\]."),
        ('[games]\nenv_id = "A"', "games=.* is not a list of tables, each under a line such as .*games"),
        ('shapers = "repetition"', "shapers='repetition' is not a list"),
        ("steps = 0", "TrainConfig.steps"),
        ("steps = 3", "names no game; add"),
        ("steps", "is not TOML: "),
    ],
)
def test_a_wrong_file_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    games = "" if "games" in text or text in ("steps = 3", "steps") else '\n[[games]]\nenv_id = "A/B-v0"'
    with pytest.raises(ValueError, match=sentence) as caught:
        read_config_file(written(tmp_path, text + games))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere.toml' cannot be read \(No such file"):
        read_config_file(tmp_path / "nowhere.toml")
