"""Wording of the instruction challenge."""

from selfplay_envs.games.questions.prompts import STYLES


def test_the_terse_style_is_exactly_what_the_tiny_model_was_trained_on():
    style = STYLES["terse"]
    assert style.challenge()[0].content == "challenge instruction"
    assert style.answer("use only lowercase")[0].content == "answer instruction\n```instruction\nuse only lowercase\n```"


def test_the_full_style_names_the_clauses_and_shows_the_instruction():
    style = STYLES["full"]
    assert "use exactly N words; include the word W" in style.challenge()[-1].content
    assert "use only lowercase" in style.answer("use only lowercase")[-1].content
