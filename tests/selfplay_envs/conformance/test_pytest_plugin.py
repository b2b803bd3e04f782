"""`pytest --selfplay-game ID`: each check of the conformance suite is a test of its own."""

from importlib.metadata import entry_points
from pathlib import Path

import gymnasium
import pytest

pytest_plugins = ["pytester"]

PLUGINS = ("-p", "selfplay_envs.conformance.pytest_plugin", "-p", "no:randomly")
"""An installed package has the plugin by its entry point; a folder on the path has to name it."""
GAMES = """
import random
from dataclasses import replace
from selfplay_envs import register_game
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker

class Gambler(KuhnPoker):
    def judge(self, slot, text, finish_reason):
        verdict = yield from super().judge(slot, text, finish_reason)
        return replace(verdict, score=random.random()) if verdict.valid else verdict

class Mute(KuhnPoker):
    def sample_action(self, slot, rng):
        return None

register_game("Theirs/Sound-v0", "selfplay_envs.games.zero_sum.kuhn:KuhnPoker")
register_game("Theirs/Gambler-v0", "theirs:Gambler")
register_game("Theirs/Mute-v0", "theirs:Mute")
"""


@pytest.fixture
def run(pytester, monkeypatch):
    pytester.makepyfile(theirs=GAMES)
    monkeypatch.setenv("PYTHONPATH", f"{pytester.path}:{Path(__file__).parents[3]}")
    return lambda *args: pytester.runpytest_subprocess(*PLUGINS, *args)


def test_a_sound_game_and_a_broken_one_in_one_go(run):
    result = run("--selfplay-game", "theirs:Theirs/Sound-v0", "--selfplay-game", "theirs:Theirs/Gambler-v0", "-rA")
    names = [line.split()[1] for line in result.outlines if line.startswith(("PASSED", "FAILED"))]
    of = {game: [name for name in names if f"Theirs/{game}-v0" in name] for game in ("Sound", "Gambler")}
    assert len(of["Sound"]) == len(of["Gambler"]) == 2 * 13  # checks with panels of 1 and of 4
    failed = [line for line in result.outlines if line.startswith("FAILED")]
    assert failed
    assert all("Theirs/Gambler-v0" in line for line in failed)
    result.stdout.fnmatch_lines(["*FAILED*Theirs/Gambler-v0?attempts=1?::global_random_untouched*"])
    assert result.ret == 1


def test_checks_are_chosen_like_any_tests(run):
    result = run("--selfplay-game", "theirs:Theirs/Sound-v0", "--selfplay-attempts", "3", "-k", "replays or determinism")
    result.assert_outcomes(passed=2, deselected=11)
    assert result.ret == 0


def test_a_game_without_legal_moves_needs_a_file_of_them(run, pytester):
    chosen = ("--selfplay-game", "theirs:Theirs/Mute-v0", "--selfplay-attempts", "1", "-k", "legal_moves")
    result = run(*chosen)
    result.stdout.fnmatch_lines(["legal_moves: no legal move was ever met*--moves FILE*"])
    assert result.ret == 1
    moves = pytester.path / "moves.jsonl"
    lines = [f'{{"role": "{role}", "text": "```action\\ncheck\\n```"}}\n' for role in ("first", "second")]
    moves.write_text("".join(lines))
    run(*chosen, "--selfplay-moves", str(moves)).assert_outcomes(passed=1, deselected=12)


def test_a_module_in_the_current_folder_is_found(pytester):
    """In this process nobody puts the folder on the path, as `python -m pytest` and the variable PYTHONPATH would."""
    pytester.makepyfile(nearby="from selfplay_envs.games.zero_sum.kuhn import KuhnPoker as Near")
    pytester.makepyfile(
        register_nearby="from selfplay_envs import register_game; register_game('Theirs/Near-v0', 'nearby:Near')"
    )
    try:
        chosen = ("--selfplay-game", "register_nearby:Theirs/Near-v0", "--selfplay-attempts", "1", "-k", "spec_round_trip")
        pytester.runpytest_inprocess(*PLUGINS, *chosen).assert_outcomes(passed=1, deselected=12)
    finally:
        gymnasium.registry.pop("Theirs/Near-v0", None)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--selfplay-game", "SelfPlay/KunhPoker-v0"], "ERROR: --selfplay: *did you mean 'SelfPlay/KuhnPoker-v0'*"),
        (["--selfplay-game", "KuhnPoker", "--selfplay-moves", "none.jsonl"], "ERROR: --selfplay: moves=*is not a file*"),
        (["--selfplay-game", "KuhnPoker", "--selfplay-attempts", "1;4"], "ERROR: --selfplay: attempts='1;4' is not a list*"),
        (["--selfplay-game", "KuhnPoker", "--selfplay-attempts", "0"], "ERROR: --selfplay: *attempts=0*"),
    ],
)
def test_wrong_options_are_one_sentence(pytester, args, sentence):
    result = pytester.runpytest_inprocess(*PLUGINS, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([sentence])


def test_without_the_option_nothing_is_added(pytester):
    pytester.makepyfile(test_own="def test_one(): pass")
    pytester.runpytest_inprocess(*PLUGINS).assert_outcomes(passed=1)


def test_the_project_declares_it():
    """Reads pyproject.toml, since the metadata of an editable install may be older."""
    text = (Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    name = "selfplay_envs.conformance.pytest_plugin"
    assert f'[project.entry-points.pytest11]\n"{name}" = "{name}"\n' in text
    installed = [point.value for point in entry_points(group="pytest11") if point.name == name]
    assert installed in ([], [name])
