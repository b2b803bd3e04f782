"""Whole episodes in lock-step."""

from selfplay_envs import Referee, Reply, Start, play_episode, play_episodes
from selfplay_envs.replies.parsing import fence


def act(prompts):
    return [Reply(text=fence("action", "bet" if prompt.slot.role == "first" else "fold")) for prompt in prompts]


def test_each_round_hands_over_the_prompts_of_all_games_with_the_places_of_their_episodes():
    start = Start("SelfPlay/KuhnPoker-v0", 0, {"attempts": 2})
    rounds, progress = [], []

    def noting(prompts):
        rounds.append([(prompt.episode, *prompt.slot) for prompt in prompts])
        return act(prompts)

    episodes = play_episodes([start, start, start], noting, Referee(), lambda *counts: progress.append(counts))
    assert rounds == [
        [(episode, role, attempt, turn) for episode in range(3) for attempt in range(2)]
        for turn, role in enumerate(("first", "second"))
    ]
    assert progress == [(0, 3), (3, 3)]
    assert episodes == [play_episode(start, act, Referee())] * 3
    assert play_episodes([], act, Referee()) == []
