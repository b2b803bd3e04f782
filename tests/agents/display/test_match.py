"""One game in the terminal: what is shown, and how the terminal is kept safe."""

from agents.display.human import HumanPlayer
from agents.display.match import play_match
from selfplay_envs import Match, Referee, ScriptedPlayer, Start
from tests.helpers.terminal import console, typed

KUHN = Start("SelfPlay/KuhnPoker-v0", 0, {"style": "terse"}, {"task": {"cards": ["K", "J"]}})
DOUBLE = {"program": "def f(x):\n    return x * 2", "inputs": ["4"], "outputs": ["8"], "message": ""}


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
    replies = iter(["\x1b[2J\x07\n```output\n9\n```", "no block"])
    play_match(Match(start), {"solver": ScriptedPlayer(lambda prompt: next(replies))}, referee, screen)
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
    players = {role: ScriptedPlayer(lambda prompt: "[bold red]x[/nonsense]") for role in ("first", "second")}
    play_match(Match(KUHN), players, Referee(), screen)
    assert "[bold red]x[/nonsense]" in out.getvalue()


def test_after_a_game_the_truth_is_shown(referee: Referee):
    screen, out = console()
    proposal = "```python\ndef f(x):\n    return x * 2\n```\n```input\n4\n```"
    players = {"proposer": ScriptedPlayer([proposal]), "solver": HumanPlayer(screen, "full", typed("9", ""))}
    play_match(Match(Start("SelfPlay/Deduction-v0", 0, {"attempts": 1})), players, referee, screen, human_role="solver")
    assert "What the program really returns: 8" in out.getvalue()
