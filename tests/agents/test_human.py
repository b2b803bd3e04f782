"""A person as a player: how lines become a message, what is shown, and how the terminal is kept safe."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from agents.human import HumanPlayer, Quit, play_match, wanted_label
from selfplay_envs import Match, Message, Referee, ScriptedPlayer, Start

KUHN = Start("SelfPlay/KuhnPoker-v0", 0, {"style": "terse"}, {"task": {"cards": ["K", "J"]}})
DOUBLE = {"program": "def f(x):\n    return x * 2", "inputs": ["4"], "outputs": ["8"], "message": ""}


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=100, highlight=False), out


def typed(*lines: str) -> Callable[[str], str]:
    rest = iter(lines)

    def read_line(prompt: str) -> str:
        for line in rest:
            return line
        raise EOFError

    return read_line


def answer(start: Start, *lines: str, style: str | None = "full") -> tuple[str, str]:
    screen, out = console()
    asks = Match(start).asks()
    [reply] = HumanPlayer(screen, style, typed(*lines))(asks[:1])
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


def test_wanted_label_is_none_for_several_blocks_or_none():
    two = "Format:\n```python\nx\n```\n```input\n1\n```"
    assert wanted_label((Message("user", two),)) is None
    assert wanted_label((Message("user", "say something"),)) is None
    assert wanted_label(()) is None


def test_a_match_shows_verdicts_credits_and_payoffs():
    screen, out = console()
    start = Start("SelfPlay/KuhnPoker-v0", 0, {}, {"task": {"cards": ["K", "J"]}})
    players = {"first": HumanPlayer(screen, "full", typed("bet", "")), "second": ScriptedPlayer(["```action\nfold\n```"])}
    episode = play_match(Match(start), players, Referee(), screen, human_role="first")
    assert episode is not None
    assert [played.credit for played in episode.messages] == [1.0, -1.0]
    shown = out.getvalue()
    for words in ("first 0 (turn 0): valid", "credit later", "now earns credit +1.000", "fold", "first 0: +1, second 0: -1"):
        assert words in shown


def test_the_reason_of_a_wrong_answer_is_shown_and_a_model_s_control_characters_are_not(referee: Referee):
    screen, out = console()
    start = Start("SelfPlay/Deduction-v0", 0, {"attempts": 2}, {"task": DOUBLE})
    said = iter(["\x1b[2J\x07\n```output\n9\n```", "no block"])
    play_match(Match(start), {"solver": ScriptedPlayer(lambda ask: next(said))}, referee, screen)
    shown = out.getvalue()
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\\x1b[2J" in shown
    assert "(wrong)" in shown
    assert "invalid: no_output_block" in shown


def test_leaving_gives_no_episode():
    screen, out = console()
    players = {"first": HumanPlayer(screen, "full", typed()), "second": ScriptedPlayer([])}
    assert play_match(Match(KUHN), players, Referee(), screen, human_role="first") is None
    assert "You left" in out.getvalue()


def test_markup_in_a_message_is_shown_as_it_is():
    screen, out = console()
    players = {role: ScriptedPlayer(lambda ask: "[bold red]x[/nonsense]") for role in ("first", "second")}
    play_match(Match(KUHN), players, Referee(), screen)
    assert "[bold red]x[/nonsense]" in out.getvalue()


def test_after_a_game_the_truth_is_shown(referee: Referee):
    screen, out = console()
    proposal = "```python\ndef f(x):\n    return x * 2\n```\n```input\n4\n```"
    players = {"proposer": ScriptedPlayer([proposal]), "solver": HumanPlayer(screen, "full", typed("9", ""))}
    play_match(Match(Start("SelfPlay/Deduction-v0", 0, {"attempts": 1})), players, referee, screen, human_role="solver")
    assert "What the program really returns: 8" in out.getvalue()
