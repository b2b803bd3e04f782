"""Options in a text: which keywords of a callable a text can say, and what a value becomes."""

import typing
from functools import partial
from typing import Literal, Optional, Union

import pytest

from selfplay_envs import Game, UsageError
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker
from selfplay_envs.names.options import parameters_of, typed_options


def annotated(
    a: Optional[int] = None,  # noqa: UP045
    b: Union[None, float] = None,  # noqa: RUF036, UP007
    c: "typing.Optional[str]" = "x",  # noqa: UP045
    d: Literal["red", "blue"] = "red",
    e: "Literal[1, 2] | None" = 1,
    f: list[int] | None = None,
    g: bool = False,
):
    """Every way to write a keyword that may be None, or one of a few."""


def read(factory, **given):
    return typed_options(factory, given, "mine:X:...", "judge")


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("a", "3", 3),
        ("a", "none", None),
        ("b", "0.5", 0.5),
        ("b", "None", None),
        ("c", "none", None),
        ("d", "blue", "blue"),
        ("e", "2", 2),
        ("e", "none", None),
        ("g", "", True),
    ],
)
def test_a_value_has_the_type_that_its_annotation_says(name, value, becomes):
    found = read(annotated, **{name: value})[name]
    assert (found, type(found)) == (becomes, type(becomes))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("d", "green", "d='green' is not known; choose one of red, blue."),
        ("e", "3", "e='3' is not known; choose one of 1, 2."),
        ("g", "none", "g='none' is not understood; write 1 or 0."),
        ("f", "1", "option 'f' is not known; choose among a, b, c, d, e, g."),
    ],
)
def test_a_value_that_the_annotation_does_not_allow_is_refused(name, value, sentence):
    with pytest.raises(UsageError) as caught:
        read(annotated, **{name: value})
    assert str(caught.value) == f"judge='mine:X:...': {sentence}"


class Base:
    def __init__(self, letter: str, *, weight: float = 1.0):
        self.given = (letter, weight)


class Handing(Base):
    def __init__(self, extra: int = 0, **kwargs):
        super().__init__(**kwargs)


class Bare(Handing):
    """Says nothing of how it is made."""


class Twice(Bare):
    def __init__(self, *, weight: float = 2.0, **kwargs):
        super().__init__(weight=weight, **kwargs)


class Closed(Base):
    def __init__(self, extra: int = 0):
        super().__init__("a")


class Odd(KuhnPoker):
    def __init__(self, *, mine: int = 3, **kwargs):
        super().__init__(**kwargs)


@pytest.mark.parametrize(
    ("factory", "names"),
    [
        (Handing, ["extra", "letter", "weight"]),
        (Bare, ["extra", "letter", "weight"]),
        (Twice, ["weight", "extra", "letter"]),
        (Closed, ["extra"]),
        (Odd, ["mine", *parameters_of(KuhnPoker)]),
        (Game, ["attempts"]),
        (lambda x, *args, y=1, **kwargs: None, ["x", "y"]),
        (partial(Base, "a"), ["weight"]),
    ],
)
def test_keywords_that_a_class_hands_on_are_its_own(factory, names):
    assert list(parameters_of(factory)) == names


def test_what_is_handed_on_is_typed_and_asked_for():
    assert read(Twice, letter="e", weight="3") == {"letter": "e", "weight": 3.0}
    assert Twice(**read(Twice, letter="e")).given == ("e", 2.0)
    with pytest.raises(UsageError, match="option 'letter' is missing"):
        read(Twice, weight="3")
