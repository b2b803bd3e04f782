"""Induction: half of the pairs is shown, the other half is checked; every named reason of a proposal."""

import pytest

from selfplay_envs import CodeTask
from selfplay_envs.replies.parsing import fence
from tests.helpers.code_games import credits_of, played


def test_induction_shows_half_of_the_pairs_and_checks_the_other_half(referee):
    inputs = "\n".join(fence("input", str(i)) for i in (0, 1, 2, 3))
    proposal = inputs + "\n" + fence("message", "int to int")
    square = CodeTask(program="def f(x):\n    return x * x", inputs=("2",), outputs=("4",))
    fits_shown_only = fence("python", "def f(x):\n    return x")  # 0 -> 0 and 1 -> 1, but not 2 -> 4
    answers = [fence("python", "def f(x):\n    return x ** 2"), fits_shown_only, fence("python", "def g(x):\n    return 1")]
    options = {"references": [square.to_json()]}
    episode = played("SelfPlay/Induction-v0", proposal, answers, referee, options, num_inputs=4)
    assert credits_of(episode) == pytest.approx([1 - 1 / 3, 1.0, -0.5, -1.0])
    assert episode.messages[3].verdict.reason == "no_entry_point"
    shown = episode.messages[1].messages[0].content
    assert fence("output", "1") in shown
    assert fence("output", "4") not in shown
    assert fence("output", "9") not in shown
    assert "x * x" not in shown


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (fence("input", "1"), "too_few_inputs"),
        (fence("input", "1") + "\n" + fence("input", "2"), "no_message"),
        (fence("input", "1") + "\n" + fence("input", "1") + "\n" + fence("message", "hint"), "repeated_input"),
        (fence("input", "1") + "\n" + fence("input", "2") + "\n" + fence("message", "def f(a)"), "message_has_code"),
        (fence("input", "1") + "\n" + fence("input", "2") + "\n" + fence("message", "x" * 2000), "message_too_long"),
    ],
)
def test_a_bad_induction_proposal_is_refused_with_its_reason(referee, text, reason):
    assert played("SelfPlay/Induction-v0", text, [], referee, num_inputs=2).messages[0].verdict.reason == reason
