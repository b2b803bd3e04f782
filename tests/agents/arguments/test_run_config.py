"""What `selfplay train` was asked for: presets, files, games and keywords of one's own; nothing here trains."""

import json
from pathlib import Path

import pytest

from agents.arguments.run_config import plan_run
from agents.cli.main import main
from agents.config.presets import find_preset
from agents.config.run import GameMix, TrainConfig
from agents.config.toml_file import read_config_file
from tests.helpers.toys import GAME

DEDUCTION, ABDUCTION, INDUCTION = (f"SelfPlay/{name}-v0" for name in ("Deduction", "Abduction", "Induction"))


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SELFPLAY_TRACEBACK", raising=False)


def asked(*args: str) -> TrainConfig:
    return plan_run(args).config


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(["train", *args]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not list(Path().glob("runs/*"))  # the corrected command finds its folder free
    return error


def test_keywords_of_games_can_be_given_and_taken_out():
    config = asked("azr-tiny", "--game-kwargs", "learnability=variance", "style=", "--games.1.kwargs.malformed", "mask")
    assert [mix.kwargs["learnability"] for mix in config.games] == ["variance"] * 3
    assert [mix.kwargs.get("malformed") for mix in config.games] == [None, "mask", None]
    assert not any("style" in mix.kwargs for mix in config.games)
    assert all(mix.kwargs["extreme_credit"] == 0.0 for mix in config.games)


def test_another_game_keeps_what_fits_it_and_says_what_does_not():
    order = plan_run(["azr-tiny", "--game", GAME, "--fresh", "3"])
    assert order.config.games == (
        GameMix(env_id=GAME, kwargs={"attempts": 8}, fresh=3, replay=8, references=0, exclude="tiny"),
    )
    assert order.config.evaluation.tasks == "none"
    assert order.notes == (
        f"{GAME} takes no style, extreme_credit; the preset's values are left out.",
        "None of the tiny held-out tasks is of these games, so nothing is measured; --evaluation.tasks FILE does.",
    )
    assert asked("kuhn-tiny", "--games.0.env-id", GAME).games[0].kwargs == {}


def test_fixed_problems_in_the_place_of_proposals_are_played_in_epochs_without_what_is_held_out():
    dataset = "SelfPlay/Dataset-v0"
    for preset, fixed, gold in (("azr-tiny", 16, 0), ("rlvr-tiny", 27, 0), ("sft-tiny", 164, 1)):
        [mix] = asked(preset, "--game", "dataset", "--games.0.exclude", "evaluation").games
        assert (mix.env_id, mix.fresh, mix.replay, mix.fixed, mix.gold, mix.exclude) == (
            dataset,
            0,
            0,
            fixed,
            gold,
            "evaluation",
        )
    both = asked("azr-tiny", "--game", "deduction", "problems=dataset", "--game-kwargs", "verifier=numeric").games
    assert [(mix.name, mix.fresh, mix.fixed) for mix in both] == [("", 16, 16), ("problems", 0, 16)]


def test_games_of_the_preset_can_be_picked():
    preset = find_preset("azr-tiny")
    assert asked("azr-tiny", "--game", "Deduction").games == preset.games[:1]
    both = asked("azr-tiny", "--game", INDUCTION, DEDUCTION)
    assert [mix.env_id for mix in both.games] == [INDUCTION, DEDUCTION]
    assert both.games[0].references_from == (DEDUCTION,)
    assert both.evaluation == preset.evaluation


def test_another_model_is_asked_in_full_unless_told_otherwise():
    order = plan_run(["azr-tiny", "--model", "someone/else"])
    assert {mix.kwargs["style"] for mix in order.config.games} == {"full"}
    [note] = order.notes
    assert "someone/else is asked in the full wording" in note
    terse = plan_run(["azr-tiny", "--model", "someone/else", "--game-kwargs", "style=terse"])
    assert {mix.kwargs["style"] for mix in terse.config.games} == {"terse"}
    assert terse.notes == ()
    assert plan_run(["azr-tiny"]).notes == ()


def test_settings_come_from_a_file_and_options_go_before_it():
    Path("my.toml").write_text(f'steps = 7\nseed = 5\n[[games]]\nenv_id = "{GAME}"\nkwargs = {{ attempts = 2 }}')
    order = plan_run(["--config", "my.toml", "--steps", "3", "--game-kwargs", "attempts=4"])
    assert (order.config.steps, order.config.seed) == (3, 5)
    assert order.config.games[0].kwargs == {"attempts": 4}
    assert (order.title, order.folder) == ("my", Path("runs/my"))
    on_preset = asked("azr-tiny", "--config=my.toml")
    assert (on_preset.steps, on_preset.learner) == (7, find_preset("azr-tiny").learner)
    assert on_preset.games == (GameMix(env_id=GAME, kwargs={"attempts": 2}),)


def test_a_file_that_is_printed_trains_the_same(capsys: pytest.CaptureFixture[str]):
    assert main(["train", "azr-tiny", "--print-config", "--seed", "9"]) == 0
    Path("shown.toml").write_text(capsys.readouterr().out)
    assert read_config_file(Path("shown.toml")) == asked("azr-tiny", "--seed", "9")
    assert not Path("runs").exists()


def test_a_run_goes_on_by_its_folder_alone(capsys: pytest.CaptureFixture[str]):
    config = TrainConfig(games=(GameMix(env_id=GAME),), steps=2, seed=4, model="someone/else")
    Path("mine").mkdir()
    Path("mine/config.json").write_text(json.dumps(config.to_json()))  # as `train(config, "mine")` leaves it
    order = plan_run(["--out", "mine", "--resume", "--steps", "5"])
    assert (order.config.seed, order.config.steps, order.config.games) == (4, 5, config.games)
    assert order.folder == Path("mine")
    assert "type: selfplay train --out mine --resume" in refused(capsys, "kuhn-tiny", "--out", "mine", "--resume")
    assert "holds a run already" in refused(capsys, "kuhn-tiny", "--out", "mine")


def test_what_cannot_be_trained_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert "does not say what to train" in refused(capsys, "--steps", "3")
    assert "comes before the preset; type it behind: selfplay train kuhn-tiny" in refused(capsys, "--steps", "3", "kuhn-tiny")
    assert "does not say what to train" in refused(capsys, "--resume")
    Path("mine.py").touch()
    assert "a preset in Python is named mine:NAME" in refused(capsys, "--config", "mine.py")
    known = "env_id='SelfPlay/Deducton-v0' is not known; did you mean 'SelfPlay/Deduction-v0'?"
    for preset in ("kuhn-tiny", "azr-tiny"):
        assert known in refused(capsys, preset, "--games.0.env-id", "SelfPlay/Deducton-v0")
    assert "did you mean 'SelfPlay/Deduction-v0'?" in refused(capsys, "azr-tiny", "--game", "SelfPlay/Deducton-v0")
    assert "no keyword 'stile'; did you mean 'style'?" in refused(capsys, "azr-tiny", "--game-kwargs", "stile=full")
    assert "style='fuller'" in refused(capsys, "azr-tiny", "--game-kwargs", "style=fuller")
    Path("t.jsonl").write_text('{"env_id": "Mine/Nope-v0", "task": {}}\n')
    assert "t.jsonl:1: env_id='Mine/Nope-v0'" in refused(capsys, "azr-tiny", "--evaluation.tasks", "t.jsonl")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--judge", "nojudge"), "judge='nojudge' is not known"),
        (("--algorithm", "grppo"), "algorithm='grppo' is not known; did you mean 'grpo'?"),
        (("--shapers", "repetitoin"), "'repetitoin' is not known; did you mean 'repetition'?"),
        (("--game-kwargs", "learnability=varianc"), "did you mean 'variance'?"),
        (("--attempts", "1", "--algorithm", "grpo"), "attempts=1 of SelfPlay/Deduction-v0 gives the solver"),
    ],
)
def test_what_a_run_cannot_use_is_said_before_it_begins_and_leaves_no_folder(
    flags: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
):
    assert said in refused(capsys, "azr-tiny", "--steps", "1", "--sandbox", "process", "--device", "cpu", *flags)
