"""The program as a person types it: help, exit codes, and which errors are sentences."""

import subprocess
import sys
from pathlib import Path

import pytest

from agents.cli.main import VERBS, is_sentence, main
from agents.core.errors import EndpointError
from sandboxes import SandboxUnavailable
from selfplay_envs.core.errors import GameError
from tests.helpers.program import refused

ROOT = Path(__file__).parents[3]


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
    code = f"import sys\nfrom agents.cli.main import main\nmain({args!r})\nprint('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout.rstrip().endswith("False")
    assert ran.stderr == ""


def test_the_module_is_the_program():
    ran = subprocess.run([sys.executable, "-m", "agents", "nonsense"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("selfplay: verb='nonsense'")


def test_wrong_ids_and_modules_are_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert "SelfPlay/Nope-v0" in refused(capsys, "check", "SelfPlay/Nope-v0")
    assert "No module named 'no_such_module'" in refused(capsys, "check", "no_such_module:Mine/Guess-v0")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert main(["play", "KuhnPoker", "--role", "none", "--model", "random", "--save", "/dev/full"]) == 1
    assert capsys.readouterr().err == (
        "selfplay: No space left on device; make room and type it again (a run goes on with --out FOLDER --resume).\n"
    )


def test_a_flag_that_does_not_exist_exits_with_2(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_info:
        main(["check", "KuhnPoker", "--attemps", "3"])
    assert exit_info.value.code == 2
    assert "--attempts" in capsys.readouterr().err


def test_an_error_s_origin_can_be_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SELFPLAY_TRACEBACK", "1")
    with pytest.raises(ValueError, match="not known"):
        main(["check", "SelfPlay/Nope-v0"])


def test_errors_of_each_package_and_wrong_values_are_sentences_and_others_are_not():
    class SelfPlayError(Exception):
        """Of somebody else, under the same name."""

    for error in (EndpointError("x"), GameError("x"), SandboxUnavailable("x"), ValueError("x")):
        assert is_sentence(error)
    for error in (SelfPlayError("x"), RuntimeError("x"), KeyError("x")):
        assert not is_sentence(error)


def test_an_error_of_a_package_that_is_not_loaded_is_not_looked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "selfplay_envs.core.errors")
    assert not is_sentence(RuntimeError("x"))
    assert "selfplay_envs.core.errors" not in sys.modules
