from __future__ import annotations

from dataclasses import replace

from agents.runs.metrics import episode_metrics
from selfplay_envs import Referee, ScriptedPlayer, Start, play_episodes
from tests.helpers.toys import GAME


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


def test_the_terms_of_a_reward_are_shown_where_there_are_more_than_the_games() -> None:
    [episode] = play_episodes([Start(GAME, 0, {"attempts": 2})], ScriptedPlayer(lambda prompt: "x"), Referee("process"))
    assert not [name for name in episode_metrics([episode]) if "/reward/" in name]
    terms: list[dict[str, float]] = [{}, {"novelty": 0.5}, {"novelty": 0.25, "length": -1.0}]
    messages = tuple(replace(turn, credit=2.0, terms=one) for turn, one in zip(episode.messages, terms, strict=True))
    row = episode_metrics([replace(episode, messages=messages)])
    rewards = {name: value for name, value in row.items() if "/reward/" in name}
    group = "solver/letters/reward"
    assert rewards == {f"{group}/game": 2.0, f"{group}/novelty": 0.375, f"{group}/length": -0.5}
    assert row["solver/letters/shaped_mean"] == -0.125
