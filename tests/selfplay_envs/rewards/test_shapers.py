"""Batch-level credit terms."""

import pytest

from selfplay_envs import Referee, Reply, ScriptedPlayer, Start, UsageError, play_episodes
from selfplay_envs.replies.parsing import fence
from selfplay_envs.rewards.shapers import find_shaper, repetition
from tests.helpers.exam_game import EXAM


def test_repetition_takes_the_second_of_two_equal_proposals_down_to_minus_one(sandbox):
    programs = ["x + 1", "x + 2", "x + 1", "x + 1"]
    texts = iter([fence("python", f"def f(x):\n    return {p}") + "\n" + fence("input", "1") for p in programs])

    def act(asks):
        return [
            Reply(text=next(texts) if a.slot.role == "proposer" else fence("output", str(2 + a.slot.attempt))) for a in asks
        ]

    starts = [Start("SelfPlay/Deduction-v0", seed, {"attempts": 2}) for seed in range(4)]
    episodes = play_episodes(starts, act, Referee(sandbox))
    assert [e.messages[0].credit for e in episodes] == [0.5] * 4
    assert repetition(episodes) == {(2, 0): -1.5, (3, 0): -1.5}
    with pytest.raises(UsageError, match="shaper='novel'"):
        find_shaper("novel")


def test_a_game_says_which_proposals_are_repeated_and_a_name_keeps_games_apart():
    letters = "qQqb"  # to the game, `q` and `Q` are one task

    def said(prompt):
        return letters[prompt.match.start.seed] if prompt.slot.role == "examiner" else "x"

    def repeated(names):
        starts = [Start(EXAM, seed, {"attempts": 1}, {}, name) for seed, name in enumerate(names)]
        return sorted(repetition(play_episodes(starts, ScriptedPlayer(said), Referee())))

    assert repeated(["", "", "", ""]) == [(1, 0), (2, 0)]
    assert repeated(["one", "two", "one", "two"]) == [(2, 0)]


def test_inputs_count_in_induction_whose_program_is_given(referee):
    inputs = ["1 2", "2 3", "1 2"]

    def said(prompt):
        if prompt.slot.role == "solver":
            return fence("python", "def f(x):\n    return x")
        blocks = [fence("input", text) for text in inputs[prompt.match.start.seed].split()]
        return "\n".join([*blocks, fence("message", "a hint")])

    starts = [Start("SelfPlay/Induction-v0", seed, {"attempts": 1, "num_inputs": 2}) for seed in range(3)]
    assert list(repetition(play_episodes(starts, ScriptedPlayer(said), referee))) == [(2, 0)]
