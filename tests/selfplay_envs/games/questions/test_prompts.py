"""Wording of the instruction challenge."""

from selfplay_envs import Message
from selfplay_envs.checks.ifeval.table import forms
from selfplay_envs.games.questions.prompts import STYLES
from selfplay_envs.replies.parsing import read_reply


def test_the_terse_style_is_exactly_what_the_tiny_model_was_trained_on():
    style = STYLES["terse"]
    assert style.challenge()[0].content == "challenge instruction"
    assert style.answer("use only lowercase")[0].content == "answer instruction\n```instruction\nuse only lowercase\n```"


def test_the_full_style_names_the_clauses_and_shows_the_instruction():
    style = STYLES["full"]
    assert "use exactly N words; include the word W" in style.challenge()[-1].content
    assert "use only lowercase" in style.answer("use only lowercase")[-1].content


def test_the_ifeval_style_names_every_form_and_asks_as_the_benchmark_does():
    style = STYLES["ifeval"]
    text = style.challenge()[-1].content
    assert len(forms()) == 25
    assert all(f"- {form}\n" in text for form in forms())
    assert style.answer("use no commas") == (Message("user", "use no commas"),)
    assert style.read_answer(read_reply("<think>Easy.</think> Fine.")) == ("Fine.", "")


def test_the_open_style_asks_for_one_input_in_a_form_and_forbids_hints():
    text = STYLES["open"].challenge("Chess", "Q: {question}")[-1].content
    for words in ("Write exactly one input", "The task: Chess.", "\nQ: {question}\n", "must not hold the output", "stop there"):
        assert words in text
    assert "```instruction" in text
