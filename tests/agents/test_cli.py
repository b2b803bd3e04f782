"""The program as a person types it: what is printed, and the exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.cli import VERBS, main
from selfplay_envs import Episode, Referee, ScriptedPlayer, Start, play_episode, write_episodes

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("SELFPLAY_TRACEBACK", raising=False)


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one sentence that a wrong command is answered with."""
    assert main(args) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


def kuhn_episode(actions: tuple[str, ...] = ("bet", "call")) -> Episode:
    player = ScriptedPlayer([f"```action\n{action}\n```" for action in actions])
    return play_episode(Start("SelfPlay/KuhnPoker-v0", 0, {}, {"task": {"cards": ["K", "J"]}}), player, Referee())


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {verb} " in shown for verb in VERBS)
    assert max(map(len, shown.splitlines())) <= 80
    assert main([]) == 2


def test_an_unknown_verb_gets_a_suggestion(capsys: pytest.CaptureFixture[str]):
    assert "did you mean train?" in refused(capsys, "trian")
    assert "choose one of" in refused(capsys, "xyzzy")


@pytest.mark.parametrize("args", [("envs",), ("--help",), ("train", "--help"), ("check", "KuhnPoker", "--attempts", "1")])
def test_looking_never_imports_torch(args: tuple[str, ...]):
    code = f"import sys\nfrom agents.cli import main\nmain({args!r})\nprint('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.rstrip().endswith("False")
    assert ran.stderr == ""


def test_the_module_is_the_program():
    ran = subprocess.run([sys.executable, "-m", "agents", "nonsense"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("selfplay: verb='nonsense'")


def test_envs_lists_ids_roles_types_and_keywords(capsys: pytest.CaptureFixture[str]):
    assert main(["envs"]) == 0
    shown = capsys.readouterr().out
    for words in ("SelfPlay/Deduction-v0", "proposer, solver", "induction", "attempts=8", "Kuhn poker"):
        assert words in shown


def test_check_prints_a_line_per_check(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "SelfPlay/KuhnPoker-v0", "--attempts", "2"]) == 0
    shown = capsys.readouterr().out
    assert "attempts=2" in shown
    assert "ok   determinism" in shown
    assert "checks hold" in shown


BROKEN_GAME = '''
from selfplay_envs import register_game
from selfplay_envs.games.kuhn import KuhnPoker

class Cheat(KuhnPoker):
    """Pays both seats."""

    def apply(self, slot, text, verdict):
        super().apply(slot, text, verdict)
        self.outcome = {key: 1.0 for key in self.outcome}

register_game("Test/Cheat-v0", "cheating_game:Cheat")
'''


def test_check_fails_on_a_game_that_breaks_its_promise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "cheating_game.py").write_text(BROKEN_GAME)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["check", "cheating_game:Test/Cheat-v0", "--attempts", "1"]) == 1
    shown = capsys.readouterr().out
    assert "FAIL credits_complete" in shown
    assert "does not sum to 0" in shown


def test_wrong_ids_and_modules_are_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert "SelfPlay/Nope-v0" in refused(capsys, "check", "SelfPlay/Nope-v0")
    assert "No module named 'no_such_module'" in refused(capsys, "check", "no_such_module:Mine/Guess-v0")
    assert "role='dealer'" in refused(capsys, "play", "KuhnPoker", "--role", "dealer")
    assert "attempts=0" in refused(capsys, "check", "KuhnPoker", "--attempts", "0")
    assert "action='burn'" in refused(capsys, "sandbox", "burn")
    assert "2 folders are named" in refused(capsys, "report", "a", "b")


def test_a_file_that_cannot_be_written_is_refused_before_the_game(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def no_game(*_: object, **__: object) -> None:
        raise AssertionError("the game began")

    monkeypatch.setattr("agents.cli.playing.play_match", no_game)
    play = ("play", "KuhnPoker", "--role", "none", "--model", "random", "--save")
    assert "cannot be written" in refused(capsys, *play, str(tmp_path / "absent" / "e.jsonl"))
    assert "Is a directory" in refused(capsys, *play, str(tmp_path))
    with pytest.raises(AssertionError, match="the game began"):
        main([*play, str(tmp_path / "e.jsonl")])
    assert not any(tmp_path.iterdir())  # looking whether it can be written leaves nothing


def test_a_game_without_a_panel_is_played_as_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    source = BROKEN_GAME.replace("Cheat-v0", "Single-v0").replace("cheating_game", "single_game")
    source = source.replace('"""Pays both seats."""', "def __init__(self):\n        super().__init__()")
    (tmp_path / "single_game.py").write_text(source)
    play = ("play", "single_game:Test/Single-v0", "--role", "none", "--model", "random")
    sys.path.insert(0, str(tmp_path))
    try:
        assert main(play) == 0
        assert "has no keyword 'attempts'; it takes none." in refused(capsys, *play, "--attempts", "2")
    finally:
        sys.path.remove(str(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert main(["play", "KuhnPoker", "--role", "none", "--model", "random", "--save", "/dev/full"]) == 1
    assert capsys.readouterr().err == (
        "selfplay: No space left on device; make room and type it again (a run goes on with --out FOLDER --resume).\n"
    )


def test_a_game_of_one_s_own_is_saved_so_that_it_replays_in_another_process(tmp_path: Path):
    (tmp_path / "dealt.py").write_text(BROKEN_GAME.replace("Cheat-v0", "Dealt-v0").replace("cheating_game", "dealt"))
    program = [sys.executable, "-m", "agents"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    args = ["dealt:Test/Dealt-v0", "--role", "none", "--model", "random", "--save", "e.jsonl"]
    subprocess.run([*program, "play", *args], cwd=tmp_path, check=True, capture_output=True, env=environment)
    ran = subprocess.run(
        [*program, "replay", "e.jsonl"], cwd=tmp_path, check=True, capture_output=True, text=True, env=environment
    )
    assert "Every credit reproduced: 1 episodes" in ran.stdout


def test_a_flag_that_does_not_exist_exits_with_2(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_info:
        main(["check", "KuhnPoker", "--attemps", "3"])
    assert exit_info.value.code == 2
    assert "--attempts" in capsys.readouterr().err


def test_replay_reproduces_every_credit(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    write_episodes(tmp_path / "e.jsonl", [kuhn_episode(), kuhn_episode(("check", "nonsense"))])
    assert main(["replay", str(tmp_path / "e.jsonl")]) == 0
    assert "Every credit reproduced: 2 episodes, 4 messages" in capsys.readouterr().out
    assert main(["replay", str(tmp_path / "e.jsonl"), "--rejudge", "--show", "1", "--sandbox", "process"]) == 0
    shown = capsys.readouterr().out
    assert "sandbox and judge asked again" in shown
    assert "Your card: K" in shown


def test_replay_names_what_was_tampered_with(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    path = tmp_path / "e.jsonl"
    write_episodes(path, [kuhn_episode()])
    path.write_text(path.read_text().replace('"credit": 2.0', '"credit": 20.0').replace('"second", 0, 1', '"second", 0, 1'))
    assert main(["replay", str(path)]) == 1
    shown = capsys.readouterr().out
    assert "credit: recorded 20.0, replayed 2.0" in shown
    assert "1 differences in 1 of 1 episodes" in shown
    path.write_text(path.read_text().replace('["second", 0, 1]', '["second", 0, 3]'))
    assert main(["replay", str(path)]) == 1
    assert "does not fit the game" in capsys.readouterr().out


def test_replay_refuses_missing_broken_and_empty_files(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert "is not a file" in refused(capsys, "replay", str(tmp_path / "absent.jsonl"))
    (tmp_path / "broken.jsonl").write_text('{"env_id": 1}\n')
    assert "broken.jsonl:1 is not an episode" in refused(capsys, "replay", str(tmp_path / "broken.jsonl"))
    (tmp_path / "empty.jsonl").touch()
    assert "holds no episode" in refused(capsys, "replay", str(tmp_path / "empty.jsonl"))


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


def test_an_error_s_origin_can_be_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SELFPLAY_TRACEBACK", "1")
    with pytest.raises(ValueError, match="not known"):
        main(["check", "SelfPlay/Nope-v0"])


def test_a_code_game_is_judged_again(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    said = ["```python\ndef f(x):\n    return x + 1\n```\n```input\n2\n```", "```output\n3\n```"]
    start = Start("SelfPlay/Deduction-v0", 0, {"attempts": 1})
    write_episodes(tmp_path / "e.jsonl", [play_episode(start, ScriptedPlayer(said), Referee("process"))])
    assert main(["replay", str(tmp_path / "e.jsonl"), "--rejudge", "--sandbox", "process"]) == 0
    assert "Every credit reproduced" in capsys.readouterr().out
    text = (tmp_path / "e.jsonl").read_text()
    (tmp_path / "e.jsonl").write_text(text.replace('"reason": "ok", "score": 1.0', '"reason": "ok", "score": 0.0'))
    assert main(["replay", str(tmp_path / "e.jsonl"), "--rejudge", "--sandbox", "process"]) == 1
    assert "message 1 verdict: recorded {'score': 0.0}, replayed {'score': 1.0}" in capsys.readouterr().out


def test_a_folder_is_replayed_file_by_file(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "episodes").mkdir()
    assert "without recorded episodes" in refused(capsys, "replay", str(tmp_path))
    for step in (1, 2):
        write_episodes(tmp_path / "episodes" / f"step_{step:06d}.jsonl", [kuhn_episode()])
    assert main(["replay", str(tmp_path)]) == 0
    assert "2 episodes, 4 messages" in capsys.readouterr().out
