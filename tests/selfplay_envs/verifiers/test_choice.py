"""Which choice an answer names."""

import pytest

from selfplay_envs.verifiers.choice import check_choice, read_choice

CHOICES = ["a cat", "The dog.", "3", "pi"]
NAMED = {
    "A": "A",
    "b": "B",
    "(B)": "B",
    "B.": "B",
    "B)": "B",
    "option C": "C",
    "Choice (d)": "D",
    r"\text{(B)}": "B",
    "$B$": "B",
    "A  Cat": "A",
    "the dog": "B",
    "3": "C",
    "B. The dog": "B",
    "B. A larger thing": "B",
    "C) because 3 > 2": "C",
    "B, since it barks": "B",
    "(A) or (B)": None,
    "A. or B": None,
    "A or B": None,
    "A, B": None,
    "A dog": None,
    "E": None,
    "2": None,
    "": None,
    "(" * 100_000: None,
}


@pytest.mark.parametrize(("text", "letter"), NAMED.items(), ids=lambda text: str(text)[:20])
def test_what_is_named(text, letter):
    assert read_choice(text, CHOICES) == letter


def test_findings():
    def found(answer):
        with pytest.raises(StopIteration) as stop:
            next(check_choice(CHOICES, "B", answer))
        return stop.value.value

    assert [found(text) for text in ("(b)", "C", "A or B")] == ["right", "wrong", "no_choice"]
