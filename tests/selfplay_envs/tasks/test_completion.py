"""Programs made of a start and an answer."""

import pytest

from selfplay_envs.tasks.completion import binds, completed, preamble

START = 'import math\n\ndef half(x):\n    return x / 2\n\ndef area(r):\n    """Area of a circle."""\n'
BODY = "    return math.pi * r ** 2\n"
WHOLE = "def area(r):\n    return half(2 * math.pi) * r * r\n"


def run(program: str) -> float:
    names: dict = {}
    exec(program, names)
    return names["area"](2.0)


@pytest.mark.parametrize(
    "text",
    [
        *(BODY, WHOLE, START + BODY, BODY + "\n\ndef other():\n    pass\n", "area = lambda r: math.pi * r * r"),
        "from __future__ import annotations\nfrom math import pi\ndef area(r: X):\n    return pi * r * r",
        "def half(x):\n    return 1.0 * math.pi\n\n" + WHOLE.replace("half(2 * math.pi)", "half(0)"),
    ],
)
def test_answers_that_make_a_whole_program(text):
    program = completed(START, text, "area")
    assert binds(program, "area")
    assert run(program) == pytest.approx(4 * 3.141592653589793)


def test_the_rest_of_a_program_is_put_behind_its_start():
    assert completed(START, BODY, "area") == START + BODY
    assert completed("", WHOLE, "area") == WHOLE
    assert completed("def area(r):", " return r", "area") == "def area(r): return r"


def test_a_whole_program_comes_behind_what_stands_before_the_stub():
    assert completed(START, WHOLE, "area") == preamble(START, "area") + "\n" + WHOLE
    assert preamble(START, "area").endswith("return x / 2\n\n")
    assert preamble("def area(r):\n", "area") == ""
    assert preamble("import math\n", "area") == "import math\n"
    assert preamble("import (\ndef area(r):", "area") == ""
    assert "def areas" in preamble("def areas(r):\n    pass\ndef area(r):\n", "area")  # another name that begins alike


def test_what_binds_a_name():
    assert binds("from a import area", "area")
    assert not binds("class A:\n    def area(r): pass", "area")
    assert not binds("def area(r:", "area")
    assert not binds("I would sort it.", "area")
