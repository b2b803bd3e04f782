"""Deduction: credits against a hand-computed table."""

from selfplay_envs.replies.parsing import fence
from tests.helpers.code_games import DOUBLE, credits_of, played


def test_deduction_pays_the_hand_computed_table(referee):
    answers = [fence("output", "6"), fence("output", "7"), "six", fence("output", "6.0")]
    episode = played("SelfPlay/Deduction-v0", DOUBLE, answers, referee)
    # right +1, wrong -0.5, malformed -1, and 6.0 == 6 as in AZR; the proposer earns 1 - 2/4
    assert credits_of(episode) == [0.5, 1.0, -0.5, -1.0, 1.0]
    assert [m.verdict.reason for m in episode.messages] == ["ok", "ok", "wrong", "no_output_block", "ok"]
    assert episode.outcome == {
        ("proposer", 0): 0.5,
        ("solver", 0): 1.0,
        ("solver", 1): 0.0,
        ("solver", 2): 0.0,
        ("solver", 3): 1.0,
    }
    assert episode.proposed == {"program": "def f(x):\n    return x * 2", "inputs": ("3",), "outputs": ("6",), "message": ""}
