"""A person as a player: how lines become a message, and which wording the person reads."""

import pytest

from agents.display.human import HumanPlayer, Quit, block_label
from selfplay_envs import Match, Message, Start
from tests.helpers.terminal import console, typed

KUHN = Start("SelfPlay/KuhnPoker-v0", 0, {"style": "terse"}, {"task": {"cards": ["K", "J"]}})


def answer(start: Start, *lines: str, style: str | None = "full") -> tuple[str, str]:
    screen, out = console()
    prompts = Match(start).pending_prompts()
    [reply] = HumanPlayer(screen, style, typed(*lines))(prompts[:1])
    return reply.text, out.getvalue()


def test_a_bare_answer_is_put_into_the_wanted_block():
    text, shown = answer(KUHN, "bet", "")
    assert text == "```action\nbet\n```"
    assert "Your card: K" in shown
    assert "labelled action" in shown
    assert "careful programmer" not in shown  # how models should mark answers is no news for a person


def test_an_empty_line_ends_a_message_but_not_inside_a_fence():
    proposal = ["", "```python", "def f(x):", "", "    return x", "```", "```input", "1", "```"]
    text, _ = answer(Start("SelfPlay/Deduction-v0", 0), *proposal, "", "never read")
    assert text == "\n".join(proposal[1:])


@pytest.mark.parametrize("lines", [("bet", "."), ("", "bet", "."), ("bet",), ("bet", " ")])
def test_a_dot_an_empty_line_or_the_end_of_a_pipe_end_a_message(lines: tuple[str, ...]):
    assert answer(KUHN, *lines)[0] == "```action\nbet\n```"


def test_a_single_dot_says_nothing():
    assert answer(KUHN, ".")[0] == ""


def test_ctrl_d_quits():
    with pytest.raises(Quit):
        answer(KUHN)


def test_lone_surrogates_do_not_survive():
    answer(KUHN, "\udcff", "")[0].encode()


def test_the_person_may_read_the_game_s_own_wording():
    assert "legal check bet" in answer(KUHN, "bet", "", style=None)[1]


def test_block_label_is_none_for_several_blocks_or_none():
    two = "Format:\n```python\nx\n```\n```input\n1\n```"
    assert block_label((Message("user", two),)) is None
    assert block_label((Message("user", "say something"),)) is None
    assert block_label(()) is None
