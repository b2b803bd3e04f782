"""Source text of every kind: long, deep, oddly encoded; it compiles, or is a syntax error in time."""

from __future__ import annotations

import pytest

from sandboxes import Status
from tests.helpers.arena import Arena, Case, check

SOURCES = {
    "200,000 signs": ("x = " + "-" * 200_000 + "1", Status.FORBIDDEN, "program longer than 65536 bytes"),
    "60,000 brackets": ("x = " + "[" * 30_000 + "]" * 30_000, Status.SYNTAX_ERROR, "SyntaxError"),
    "20,000 sums": ("x = 1" + "+1" * 20_000, Status.SYNTAX_ERROR, "RecursionError"),
    "20,000 calls": ("x = print" + "()" * 20_000, Status.SYNTAX_ERROR, "RecursionError"),
    "20,000 attributes": ("x = a" + ".b" * 20_000, Status.SYNTAX_ERROR, "RecursionError"),
    "200 blocks": ("".join(" " * n + "if 1:\n" for n in range(200)), Status.SYNTAX_ERROR, "IndentationError"),
    "30 loops": ("".join(" " * n + "while 1:\n" for n in range(30)) + " " * 30 + "pass", Status.SYNTAX_ERROR, "SyntaxError"),
    "9,000 alternatives": ("if x: pass\n" + "elif x: pass\n" * 5_000, Status.SYNTAX_ERROR, "RecursionError"),
    "another encoding": ("# -*- coding: utf-16 -*-\nf = 3", Status.EXCEPTION, "TypeError"),
    "an encoding that there is not": ("# -*- coding: no-such -*-\nf = 3", Status.EXCEPTION, "TypeError"),
    "braces": ("from __future__ import braces", Status.SYNTAX_ERROR, "SyntaxError"),
    "a future of ours": ("from __future__ import annotations\ndef f(host: nobody): return 1", Status.OK, "1"),
    "huge constants": ("x = 'a' * 4096, 2 ** 8_000\ndef f(host): return 10 ** 99_999 > 1", Status.OK, "True"),
    "an entry point that raises when called": ("class f:\n    def __new__(c, x): raise KeyError", Status.EXCEPTION, "KeyError"),
    "a name that is not there twice": ("def f(host): return 1\ndel f", Status.EXCEPTION, "NameError"),
}


@pytest.mark.parametrize(("text", "status", "expected"), SOURCES.values(), ids=SOURCES)
def test_sources(arena: Arena, text: str, status: Status, expected: str) -> None:
    check(arena, Case("", status, expected), text)
