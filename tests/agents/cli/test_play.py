"""`selfplay play`: through a pipe, without a person, with games of one's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.cli.main import main
from tests.helpers.program import CHEATING_GAME, refused

ROOT = Path(__file__).parents[3]


def test_a_role_that_the_game_has_not_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert "role='dealer'" in refused(capsys, "play", "KuhnPoker", "--role", "dealer")


def test_a_file_that_cannot_be_written_is_refused_before_the_game(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def no_game(*_: object, **__: object) -> None:
        raise AssertionError("the game began")

    monkeypatch.setattr("agents.cli.play.play_match", no_game)
    play = ("play", "KuhnPoker", "--role", "none", "--model", "random", "--save")
    assert "cannot be written" in refused(capsys, *play, str(tmp_path / "absent" / "e.jsonl"))
    assert "Is a directory" in refused(capsys, *play, str(tmp_path))
    with pytest.raises(AssertionError, match="the game began"):
        main([*play, str(tmp_path / "e.jsonl")])
    assert not any(tmp_path.iterdir())  # looking whether it can be written leaves nothing


def test_a_game_without_a_panel_is_played_as_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    source = CHEATING_GAME.replace("Cheat-v0", "Single-v0").replace("cheating_game", "single_game")
    source = source.replace('"""Pays both seats."""', "def __init__(self):\n        super().__init__()")
    (tmp_path / "single_game.py").write_text(source)
    play = ("play", "single_game:Test/Single-v0", "--role", "none", "--model", "random")
    sys.path.insert(0, str(tmp_path))
    try:
        assert main(play) == 0
        assert "has no keyword 'attempts'; it takes none." in refused(capsys, *play, "--attempts", "2")
    finally:
        sys.path.remove(str(tmp_path))


def test_a_game_of_one_s_own_is_saved_so_that_it_replays_in_another_process(tmp_path: Path):
    (tmp_path / "dealt.py").write_text(CHEATING_GAME.replace("Cheat-v0", "Dealt-v0").replace("cheating_game", "dealt"))
    program = [sys.executable, "-m", "agents"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    args = ["dealt:Test/Dealt-v0", "--role", "none", "--model", "random", "--save", "e.jsonl"]
    subprocess.run([*program, "play", *args], cwd=tmp_path, check=True, capture_output=True, env=environment)
    ran = subprocess.run(
        [*program, "replay", "e.jsonl"], cwd=tmp_path, check=True, capture_output=True, text=True, env=environment
    )
    assert "Every credit reproduced: 1 episodes" in ran.stdout


def test_play_works_through_a_pipe(tmp_path: Path):
    save = tmp_path / "game.jsonl"
    args = [sys.executable, "-m", "agents", "play", "KuhnPoker", "--role", "first", "--model", "random"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(
        [*args, "--save", str(save)], input="check\n\n", capture_output=True, text=True, cwd=ROOT, check=True, env=environment
    )
    assert "you are first, random is second" in ran.stdout
    assert "first 0 (turn 0): valid" in ran.stdout
    assert "Payoffs: first 0: +1, second 0: -1" in ran.stdout
    assert main(["replay", str(save)]) == 0


def test_play_without_a_person_and_leaving_at_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert main(["play", "KuhnPoker", "--role", "none", "--model", "random"]) == 0
    assert "random plays first and second" in capsys.readouterr().out

    def ctrl_d(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", ctrl_d)
    assert main(["play", "KuhnPoker", "--role", "first", "--model", "random"]) == 0
    assert "You left the game" in capsys.readouterr().out
