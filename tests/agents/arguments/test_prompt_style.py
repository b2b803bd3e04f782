"""Which wording a model is asked in: terse for what is or came from the tiny one, as trained for a run, full for all others."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.arguments.prompt_style import in_full, is_tiny, wording_of
from agents.config.presets import find_preset
from agents.config.run import GameMix, TrainConfig
from agents.tiny.folder import TINY_MODEL

DEDUCTION, KUHN = "SelfPlay/Deduction-v0", "SelfPlay/KuhnPoker-v0"


def run_of(folder: Path, config: TrainConfig) -> str:
    """A run's folder with one checkpoint, as far as its settings go."""
    checkpoint = folder / "checkpoints" / "step_000001"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.json").write_text('{"step": 1}')
    for place in (folder, checkpoint):
        (place / "config.json").write_text(json.dumps(config.to_json()))
    return str(folder)


def test_the_tiny_model_is_known_by_name_by_folder_and_by_its_runs(tmp_path: Path) -> None:
    preset = find_preset("azr-tiny")
    first = run_of(tmp_path / "first", preset)
    second = run_of(tmp_path / "second", replace(preset, model=first))
    other = run_of(tmp_path / "other", replace(preset, model="someone/else"))
    (tmp_path / "first" / "checkpoints" / "step_000001" / "model").mkdir()
    checkpoint = f"{first}/checkpoints/step_000001"
    for tiny in ("tiny", str(TINY_MODEL), first, second, checkpoint, f"{checkpoint}/model"):
        assert is_tiny(tiny)
    for unknown in ("smollm2", "someone/else", other, str(tmp_path)):
        assert not is_tiny(unknown)


def test_a_run_that_names_itself_as_its_model_is_not_followed_for_ever(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    assert not is_tiny(run_of(tmp_path / "run", replace(find_preset("azr-tiny"), model=folder)))


def test_a_run_is_asked_as_it_was_trained(tmp_path: Path) -> None:
    terse = GameMix(env_id=DEDUCTION, kwargs={"style": "terse"})
    odd = run_of(tmp_path / "odd", TrainConfig(model="someone/else", games=(terse, GameMix(env_id=KUHN))))
    assert wording_of(odd, DEDUCTION) == "terse"
    assert wording_of(odd, KUHN) == "full"  # that game's own default was what it read
    assert wording_of(odd, "SelfPlay/Abduction-v0") == "terse"  # as its other games


@pytest.mark.parametrize(("model", "style"), [("tiny", "terse"), ("smollm2", "full"), ("someone/else", "full")])
def test_any_other_model_is_asked_in_full_but_for_the_tiny_one(model: str, style: str) -> None:
    assert wording_of(model, DEDUCTION) == style


def test_a_run_in_full_wording_differs_in_nothing_else() -> None:
    preset = find_preset("azr-tiny")
    full = in_full(preset)
    assert {mix.kwargs["style"] for mix in full.games} == {"full"}
    assert [{**mix.kwargs, "style": "terse"} for mix in full.games] == [mix.kwargs for mix in preset.games]
    assert in_full(full) == full
