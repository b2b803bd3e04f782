"""Texts from players and for people."""

from selfplay_envs.core.text import MAX_TEXT_CHARS, clean_text, did_you_mean, printable


def test_control_characters_of_a_model_cannot_move_the_cursor():
    assert printable("a\x1b[2J\x9b\u202eb\n\tc") == "a\\x1b[2J\\x9b\\x202eb\n\tc"


def test_cleaned_text_can_be_encoded_and_is_not_too_long():
    assert clean_text("a\ud800b") == "a?b"
    assert len(clean_text("x" * (MAX_TEXT_CHARS + 1))) == MAX_TEXT_CHARS


def test_a_near_word_is_suggested_and_no_private_one():
    assert did_you_mean("ruls", ["rules", "self"]) == "; did you mean 'rules'?"
    assert did_you_mean("cpy", ["copy"], before="my_game:") == "; did you mean 'my_game:copy'?"
    assert did_you_mean("_all_", ["__all__"]) == did_you_mean("vowels", ["rules"]) == ""
