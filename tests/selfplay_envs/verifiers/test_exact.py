"""Text against text."""

import time

import pytest

from selfplay_envs.verifiers.exact import check_exact, normal_text


def found(*arguments, **options):
    with pytest.raises(StopIteration) as stop:
        next(check_exact(*arguments, **options))
    return stop.value.value


def test_white_space_and_composition_never_count():
    assert normal_text("  e\u0301  a\n\tb ") == "\u00e9 a b"
    assert found("un \u00e9clair", "un\n e\u0301clair ") == "right"


@pytest.mark.parametrize(
    ("gold", "answer", "option"),
    [
        ("Paris", "paris", "case"),
        ("It is.", "It is", "punctuation"),
        ("the end", "end", "articles"),
        ("an end", "the end", "articles"),
    ],
)
def test_each_option_leaves_out_one_thing(gold, answer, option):
    assert found(gold, answer) == "wrong"
    assert found(gold, answer, **{option: False}) == "right"
    assert found(gold, answer, **{name: False for name in ("case", "punctuation", "articles") if name != option}) == "wrong"


def test_marks_without_end_hold_up_nobody():
    started = time.process_time()
    hostile = "e" + "\u0301\u0323" * 500_000
    assert found("5", hostile) == "wrong"
    assert found(hostile, hostile) == "right"
    assert time.process_time() - started < 10  # it was hours


def test_as_many_marks_as_languages_write_are_composed():
    assert found("e\u0323\u0301", "e\u0301\u0323") == "right"
