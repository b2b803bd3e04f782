"""Abduction: any input that gives the output is right, and attempts are judged apart."""

from selfplay_envs import Referee
from selfplay_envs.replies.parsing import fence
from tests.helpers.code_games import credits_of, played


def test_any_input_that_gives_the_output_is_right_in_abduction(referee):
    absolute = fence("python", "def f(x, y=0):\n    return abs(x) + y") + "\n" + fence("input", "-3")
    answers = [fence("input", text) for text in ("3", "-3", "1, y=2", "4", "f(3)", "3) or (3")]
    episode = played("SelfPlay/Abduction-v0", absolute, answers, referee)
    assert credits_of(episode) == [0.5, 1.0, 1.0, 1.0, -0.5, -1.0, -1.0]
    assert [m.verdict.reason for m in episode.messages][5:] == ["not_literal", "not_literal"]


def test_gold_is_never_truncated_and_passes_its_own_verifier(referee):
    program = "def f(x):\n    return ['ab\\ncd'] * x"
    episode = played(
        "SelfPlay/Abduction-v0", fence("python", program) + "\n" + fence("input", "90"), [fence("input", "90")], referee
    )
    assert len(episode.proposed["outputs"][0]) > 400
    assert episode.messages[1].credit == 1.0


def test_attempts_share_no_budget(sandbox):
    """A sibling's endless input must not cost the honest ones their verdict."""
    program = "def f(n):\n    while n > 5: pass\n    return 1"
    proposal = fence("python", program) + "\n" + fence("input", "2")
    answers = [fence("input", "9"), fence("input", "3"), fence("input", "8"), fence("input", "4")]
    episode = played("SelfPlay/Abduction-v0", proposal, answers, Referee(sandbox))
    assert credits_of(episode)[1:] == [-0.5, 1.0, -0.5, 1.0]
