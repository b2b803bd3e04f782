"""What the packages say: sentences, capital words, languages that never change, and packages that are missing."""

from __future__ import annotations

import pytest

from selfplay_envs import UsageError
from selfplay_envs.checks.ifeval import packages
from selfplay_envs.checks.ifeval.packages import count_capital_words, count_sentences, language_of, require_packages


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Mr. Smith paid $5.99 to Dr. No. He left.", 2),
        ("No end", 1),
        ("One\ntwo\n\nthree", 1),
        ("Wow!!!", 2),  # as NLTK has it: what follows the last end is another
        ("The U.S. army is here. Is it?", 2),
    ],
)
def test_sentences(text: str, number: int) -> None:
    assert count_sentences(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("I'M A-B and U.S.A. 3D NO", 6), ("CANNOT (OK)", 3), ("Abc aBC 12 --", 0), ("\u00dcBER \u65e5", 1)],
)
def test_capital_words(text: str, number: int) -> None:
    assert count_capital_words(text) == number


def test_a_language_is_the_same_every_time_whatever_else_is_drawn() -> None:
    from langdetect.detector_factory import DetectorFactory

    short = ["WITH WHAT WE HAVE", "THE CAT", "un petit", "ok", "A"]
    found = [language_of(text) for text in short]
    seed = DetectorFactory.seed
    for other in range(5):
        DetectorFactory.seed = other
        assert [language_of(text) for text in short] == found
    DetectorFactory.seed = seed
    assert language_of("123 ~~ !!") is None
    assert language_of("This is a house that we built.") == "en"


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    require_packages("x='y'")
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == "nltk" else object())
    with pytest.raises(UsageError) as error:
        require_packages("vocabulary='ifeval'")
    assert str(error.value) == "vocabulary='ifeval' needs the package nltk; pip install 'selfplay[ifeval]'."
