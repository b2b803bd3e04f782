"""Styles of texts: what belongs to each, and that hostile texts take linear time."""

import time

import pytest

from selfplay_envs.checks.styles import STYLES


@pytest.mark.parametrize(
    ("style", "text", "wanted"),
    [
        ("capitals", "LOUD WORDS, 3 OF THEM!", True),
        ("capitals", "LOUD words", False),
        ("capitals", "Loud", False),
        ("capitals", "\u01c5", False),  # a title-case letter is half small
        ("capitals", "\u00c9T\u00c9", True),
        ("capitals", "E\u0301TE\u0301", True),
        ("capitals", "\u65e5\u672c 42", False),  # no letter has case
        ("capitals", "", False),
        ("capitals", "A\0B\ud800", True),
        ("code", "Here it is:\n```python\nx\n```", True),
        ("code", "  ~~~\nx", True),
        ("code", "an inline ```x``` fence", False),
        ("code", "def f(x):\n    return x", True),
        ("code", "so:\r\n    async def f ():", True),
        ("code", "class Dog:\n    pass", True),
        ("code", "class Dog(Animal):", True),
        ("code", "class was over", False),
        ("code", "import os.path as p, sys", True),
        ("code", "import taxes are high", False),
        ("code", "from a.b import c", True),
        ("code", "from a to b", False),
        ("code", "for i, x in enumerate(y):", True),
        ("code", "for example in this: we", False),
        ("code", "for a walk in the sun", False),
        ("code", "print('red')", True),
        ("code", "print it", False),
        ("code", "", False),
        ("list", "- a\n- b", True),
        ("list", "Two:\n 1. a\n 2) b", True),
        ("list", "* a\n\n\u2022 b", True),
        ("list", "- a\nb", False),
        ("list", "-a\n-b", False),
        ("list", "3.5 a\n2.5 b", False),
        ("list", "- \n- ", False),  # items without text
        ("list", "", False),
        ("repetition", "the cat sees the dog", True),
        ("repetition", "The cat\nthe dog", True),
        ("repetition", "the cat, the-dog", False),
        ("repetition", "the", False),
        ("repetition", "", False),
    ],
)
def test_what_is_in_a_style(style, text, wanted):
    assert STYLES[style](text) is wanted


HOSTILE = [
    "a" * 10**6,
    " " * 10**6,
    "\0" * 10**6,
    "\ud800" * 10**6,
    "e" + "\u0301\u0323" * 500_000,
    "\r\n\u2028" * 300_000,
    "import a" + ", a" * 300_000 + " ?",
    "import " + "a." * 500_000 + "?",
    "for a" + ", a" * 300_000,
    "for a in " + ": " * 500_000 + "x",
    "for " + "in " * 300_000,
    "def " + "a" * 10**6,
    "1" * 10**6,
    "-" + " " * 10**6,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:9]))
def test_hostile_texts_are_in_no_style_and_take_little_time(text):
    start = time.process_time()
    STYLES["repetition"](text)  # some of them do repeat a word
    assert not any(has(text) for name, has in STYLES.items() if name != "repetition")
    assert time.process_time() - start < 5
