from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agents.metrics import append_row, episode_metrics, forget_after, read_rows
from selfplay_envs import Referee, ScriptedPlayer, Start, play_episodes
from tests.agents.toys import GAME


def test_metrics_by_role_and_task_type() -> None:
    words = iter(["x", "x", ""])
    player = ScriptedPlayer(lambda ask: next(words) if ask.slot.role == "proposer" else "ab")
    episodes = play_episodes([Start(GAME, seed, {"attempts": 2}) for seed in range(3)], player, Referee("process"))
    row = episode_metrics(episodes)
    assert row["episodes"] == 3
    assert row["proposer/letters/count"] == 3
    assert row["proposer/letters/valid_rate"] == 2 / 3
    assert row["proposer/letters/reason/empty"] == 1
    assert row["solver/letters/count"] == 4
    assert row["solver/letters/solve_rate"] == 1.0
    assert "proposer/letters/solve_rate" not in row  # it answers nothing that could be right
    assert row["solver/letters/credit_mean"] == 0.5
    assert (row[f"{GAME}/proposals"], row[f"{GAME}/distinct"]) == (2, 1)


def test_what_a_game_calls_quality_is_its_own_affair() -> None:
    [episode] = play_episodes([Start(GAME, 0, {"attempts": 2})], ScriptedPlayer(lambda ask: "x"), Referee("process"))
    messages = [replace(one, verdict=replace(one.verdict, data={"quality": "fine"})) for one in episode.messages]
    row = episode_metrics([replace(episode, messages=tuple(messages))])
    assert not [name for name in row if "quality" in name]


def test_rows_survive_a_crash_and_a_resume(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert read_rows(path) == []
    forget_after(path, 3)
    for step in range(1, 6):
        append_row(path, {"step": step, "b": 1.5, "a": None})
    with path.open("a") as file:
        file.write('{"step": 6, "cut o')
    assert [row["step"] for row in read_rows(path)] == [1, 2, 3, 4, 5]
    forget_after(path, 3)
    assert [row["step"] for row in read_rows(path)] == [1, 2, 3]
    assert path.read_text().splitlines()[0] == '{"a": null, "b": 1.5, "step": 1}'
