"""Wording of Kuhn poker."""

from selfplay_envs.games.zero_sum.prompts import STYLES


def test_every_style_shows_the_card_and_the_actions():
    for style in STYLES.values():
        text = style.kuhn("J", [], ["check", "bet"])[-1].content
        assert "J" in text
        assert "check" in text


def test_the_terse_style_is_exactly_what_the_tiny_model_was_trained_on():
    messages = STYLES["terse"].kuhn("K", ["check", "bet"], ["call", "fold"])
    assert messages[0].content == "kuhn poker\ncard K\nhistory check bet\nlegal call fold"
