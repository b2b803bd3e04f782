"""A child may write anything into the page through which it answers: that costs its own verdict, and nobody else's."""

from __future__ import annotations

import pytest

from sandboxes import Job, Status
from tests.helpers.arena import Arena

FORGE = """
import os, sys
def page():
    frame = sys._getframe()
    while 'emit' not in frame.f_locals: frame = frame.f_back
    return frame.f_locals['emit'].__self__
def claim(length, data):
    page()._map[:4] = length.to_bytes(4, 'little')
    page()._map[4:4 + len(data)] = data
def f(n):
    if n == 1:
        {}
    return n
"""


# What the first of three calls does with the page on which its child answers, and what becomes of the three.
FORGED = {
    "a length beyond the page": ("claim(1 << 31, b''); os._exit(0)", ["exited"] * 3),
    "a record beyond the page": ("claim(99, b'\\xff' * 99); os._exit(0)", ["exited"] * 3),
    "a record cut short": ("claim(9, b'R' + bytes(4) + b'V' + bytes([9, 0, 0, 0])); os._exit(0)", ["exited", "2", "3"]),
    "nothing": ("page()._map[:] = bytes(len(page()._map)); os._exit(0)", ["exited"] * 3),
    "no page": ("page()._map.close()", ["exited", "2", "3"]),
    "no access to the page": (
        (
            "import ctypes as c; m = page()._map; a = c.addressof(c.c_char.from_buffer(m)); "
            "c.CDLL(None).munmap(c.c_void_p(a), len(m)); m[0]"
        ),
        ["killed: SIGSEGV", "2", "3"],
    ),
    "words of the harness": ("[page().emit(tag, 'x') for tag in b'PNAHZ']", ["1", "2", "3"]),
    "more results than calls": ("[page().emit(86, '9') for _ in range(99)]; os._exit(0)", ["9", "9", "9"]),
    "does not compile, after all": ("page().emit(67, 'SyntaxError')", ["1", "2", "3"]),
}


@pytest.mark.parametrize(("attack", "results"), FORGED.values(), ids=FORGED)
def test_forged_pages(arena: Arena, attack: str, results: list[str]) -> None:
    outcome = arena.face(Job(program=FORGE.format(attack), calls=("1", "2", "3"), may_meet=True))
    assert [call.value or call.error for call in outcome.calls] == results


def test_a_forged_value_is_no_longer_than_asked_for(arena: Arena) -> None:
    [call] = arena.face(Job(program=FORGE.format("page().emit(86, repr('x' * 10**6)); os._exit(0)"), calls=("1",))).calls
    assert call.status is Status.OUTPUT_TOO_LARGE


LOUD_ERRORS = {
    "in a call": FORGE.format("page().emit(69, 'x' * 10**6); os._exit(0)"),
    "at module level": FORGE.format("pass") + "page().emit(67, 'x' * 10**6); os._exit(0)",
}


@pytest.mark.parametrize("text", LOUD_ERRORS.values(), ids=LOUD_ERRORS)
def test_a_forged_error_is_short(arena: Arena, text: str) -> None:
    [call] = arena.face(Job(program=text, calls=("1",))).calls
    assert call.status in (Status.EXCEPTION, Status.SYNTAX_ERROR)
    assert len(call.error or "") <= 200


def test_whether_inputs_are_literals_is_not_for_a_program_to_say(arena: Arena) -> None:
    [call] = arena.face(Job(program=FORGE.format("page().emit(70, 'no literals'); os._exit(0)"), calls=("1",))).calls
    assert call.status is Status.EXCEPTION
