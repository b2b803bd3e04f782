"""Tasks of an evaluation: every row of a file is asked or named, and with which keywords."""

import json
from pathlib import Path

import pytest

from agents.config.run import GameMix
from agents.core.errors import AgentError
from agents.evaluation.tasks import check_starts, keywords_per_game, load_tasks
from selfplay_envs import UsageError
from tests.helpers.toys import GAME

DEDUCTION, KUHN = "SelfPlay/Deduction-v0", "SelfPlay/KuhnPoker-v0"


def rows(path: Path, *rows: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_tiny_tasks_are_those_of_the_run_s_games() -> None:
    assert load_tasks("none") == {}
    tiny = load_tasks("tiny")
    assert set(tiny) == {DEDUCTION, "SelfPlay/Abduction-v0", "SelfPlay/Induction-v0"}
    assert all(len(tasks) >= 100 for tasks in tiny.values())
    assert set(load_tasks("tiny", [GameMix(env_id=DEDUCTION)])) == {DEDUCTION}
    assert load_tasks("tiny", [GameMix(env_id=KUHN)]) == {}


def test_no_row_of_a_file_is_dropped(tmp_path: Path) -> None:
    task = {"letter": "x"}
    name = rows(tmp_path / "t.jsonl", {"env_id": GAME, "task": task}, {"env_id": DEDUCTION, "task": {"program": "1"}})
    assert load_tasks(name, [GameMix(env_id=DEDUCTION)]) == {GAME: [task], DEDUCTION: [{"program": "1"}]}


def test_a_module_in_front_of_an_id_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["from selfplay_envs import register_game", "register_game('Test/HeldOut-v0', 'tests.helpers.toys:Letters')"]
    (tmp_path / "held_out_game.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    name = rows(tmp_path / "t.jsonl", {"env_id": "held_out_game:Test/HeldOut-v0", "task": {"letter": "x"}})
    assert load_tasks(name) == {"Test/HeldOut-v0": [{"letter": "x"}]}
    games = [GameMix(env_id="held_out_game:Test/HeldOut-v0", kwargs={"attempts": 2})]
    assert keywords_per_game(load_tasks(name), games) == {"Test/HeldOut-v0": {"attempts": 2}}


def test_a_line_ends_at_a_newline_alone_and_blank_ones_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("\ufeff" + json.dumps({"env_id": GAME, "task": {"letter": "a\u2028b"}}, ensure_ascii=False) + "\n\n")
    assert load_tasks(str(path)) == {GAME: [{"letter": "a\u2028b"}]}


def test_a_wrong_row_is_named_by_file_and_line(tmp_path: Path) -> None:
    right = {"env_id": GAME, "task": {"letter": "x"}}
    path = tmp_path / "t.jsonl"
    with pytest.raises(UsageError, match=r"t.jsonl:2: env_id='Test/Leters-v0' is not known; did you mean 'Test/Letters-v0'"):
        load_tasks(rows(path, right, {"env_id": "Test/Leters-v0", "task": {}}))
    with pytest.raises(UsageError, match=r"t.jsonl:2: SelfPlay/KuhnPoker-v0 has no role that answers a task"):
        load_tasks(rows(path, right, {"env_id": KUHN, "task": {}}))
    with pytest.raises(UsageError, match=r"t.jsonl:1 is not a task line"):
        load_tasks(rows(path, {"env_id": GAME}))
    with pytest.raises(AgentError, match="holds no task"):
        load_tasks(rows(path))
    with pytest.raises(AgentError, match="is not a file"):
        load_tasks("nowhere.jsonl")


def test_a_game_is_keywords_per_game_the_run_s_keywords_and_others_in_its_wording() -> None:
    games = [GameMix(env_id=DEDUCTION, kwargs={"style": "terse", "equality": "strict"})]
    tasks = {DEDUCTION: [], "SelfPlay/Abduction-v0": [], GAME: []}
    terse = {DEDUCTION: {"style": "terse", "equality": "strict"}, "SelfPlay/Abduction-v0": {"style": "terse"}, GAME: {}}
    assert keywords_per_game(tasks, games) == terse
    full = {DEDUCTION: {"style": "full", "equality": "strict"}, "SelfPlay/Abduction-v0": {"style": "full"}, GAME: {}}
    assert keywords_per_game(tasks, games, "full") == full
    assert keywords_per_game(tasks, [GameMix(env_id=GAME)]) == {DEDUCTION: {}, "SelfPlay/Abduction-v0": {}, GAME: {}}


@pytest.mark.parametrize(
    ("env_id", "task", "sentence"),
    [
        (
            DEDUCTION,
            {"program": "1"},
            r"task 2 of SelfPlay/Deduction-v0, {'program': '1'}, does not start the game: .*lacks 'inputs'",
        ),
        (GAME, {"leter": "x"}, "task 2 of Test/Letters-v0, {'leter': 'x'}, is not read: the game begins as it does without"),
    ],
)
def test_a_task_that_its_game_does_not_read_is_said_before_anything_is_loaded(
    env_id: str, task: dict[str, object], sentence: str
) -> None:
    right = {DEDUCTION: load_tasks("tiny")[DEDUCTION][0], GAME: {"letter": "x"}}[env_id]
    check_starts({env_id: [right]}, [])
    with pytest.raises(AgentError, match=sentence):
        check_starts({env_id: [right, task]}, [])
