"""Programs as text: their identity, and the static checks of proposals."""

import pytest

from selfplay_envs.tasks.programs import program_fault, program_key


def test_program_keys_ignore_layout_and_nothing_else():
    assert program_key("def f(x): return x+1") == program_key("def f(x):\n    # c\n    return (x + 1)\n")
    assert program_key("def f(x): return x+1") != program_key("def f(x): return x+2")
    assert program_key("not python (") == program_key("not python (")
    assert len(program_key("\ud800")) == 16


@pytest.mark.parametrize("source", ["(" * 5000, "-" * 8000 + "1", "\x00", "\ud800", "f(" * 3000, "a" * 10_000, "x = '\\d'"])
def test_hostile_sources_never_raise(source):
    assert program_fault(source) in ("syntax_error", "program_too_long", "no_entry_point")
    program_key(source)


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("def f(x): return x", None),
        ("f = lambda x: x", None),
        ("f: object = lambda x: x", None),
        ("f = g = lambda x: x", None),
        ("from functools import partial\ndef g(a, b): return a\nf = partial(g, 1)", None),
        ("def g(x): return x\nf = g", None),
        ("f, g = abs, len", None),
        ("[g, (*_, f)] = [len, (0, abs)]", None),
        ("(f := abs)", None),
        ("print([f := abs for _ in range(1)])", None),
        ("def g(x=(f := abs)): return x", None),
        ("for f in [abs]: pass", None),
        ("from operator import neg as f", None),
        ("import math as f", None),
        ("class f:\n    def __new__(cls, x): return x", None),
        ("try:\n    import no_such_module\nexcept ImportError:\n    def f(x): return x", None),
        ("try:\n    def f(x): return x\nfinally:\n    pass", None),
        ("if 1:\n    def f(x): return x\nelse:\n    def f(x, y): return y", None),
        ("while True:\n    f = abs\n    break", None),
        ("from contextlib import suppress\nwith suppress(ValueError):\n    def f(x): return x", None),
        ("with open('/x') as f: pass", None),
        ("match abs:\n    case f: pass", None),
        ("match [abs]:\n    case [*f]: pass", None),
        ("match {1: abs}:\n    case {**f}: pass", None),
        ("def g():\n    global f\n    def f(x): return x\ng()", None),
        ("def g():\n    def h():\n        global f\n        f = abs\n    h()\ng()", None),
        ("class A:\n    global f\n    f = abs", None),
        ("def f(*a): return a", None),
        ("def f(**k): return k", None),
        ("def f(*, k): return k", None),
        ("def f(k, /): return k", None),
        # nobody binds it there
        ("", "no_entry_point"),
        ("def g(x): return x", "no_entry_point"),
        ("f(1)", "no_entry_point"),
        ("f.x = f[0] = abs", "no_entry_point"),
        ("f: object", "no_entry_point"),
        ("async def f(x): return x", "no_entry_point"),
        ("def g(f): return f", "no_entry_point"),
        ("g = lambda f: f", "no_entry_point"),
        ("g = lambda: (f := abs)", "no_entry_point"),
        ("g = [f for f in (1, 2)]", "no_entry_point"),
        ("def g():\n    def f(x): return x\n    return f", "no_entry_point"),
        ("def g():\n    global f\n    return f", "no_entry_point"),
        ("def g():\n    global f\n    def h(): f = abs", "no_entry_point"),
        ("class A:\n    def f(self, x): return x\n    g = f", "no_entry_point"),
        ("import f.g as h", "no_entry_point"),
        ("from f import g", "no_entry_point"),
        ("try:\n    1 / 0\nexcept ZeroDivisionError as f:\n    pass", "no_entry_point"),
        # a function is seen to take nothing
        ("def f(): return 1", "no_parameter"),
        ("f = lambda: 1", "no_parameter"),
        ("f: object = lambda: 1", "no_parameter"),
        ("(f := lambda: 1)", "no_parameter"),
        ("def f(x): return x\ndef f(): return 1", "no_parameter"),
        ("def f(x): return x\nf = lambda: 1", "no_parameter"),
        ("if 1:\n    def f(): return 1\nelse:\n    f = lambda: 2", "no_parameter"),
        # or may take something
        ("def f(): return 1\ndef f(x): return x", None),
        ("def f(): return 1\nf = abs", None),
        ("def f(x): return x\nif 0:\n    def f(): return 1", None),
        ("try:\n    def f(x): return x\nexcept ValueError:\n    f = lambda: 1", None),
        ("def f(): return 1\ndef g():\n    global f\n    f = abs\ng()", None),
        ("def f(x): return x\ndef g():\n    global f\n    f = lambda: 1", None),
        ("f, g = (lambda: 1), 2", None),
        ("def g(): return 1\nf = g", None),
    ],
)
def test_whatever_a_module_binds_is_an_entry_point(program, fault):
    assert program_fault(program) == fault


def test_entry_points_are_found_at_any_depth_and_in_no_time():
    assert program_fault("x = " + "1 + " * 700 + "(f := abs)(1)") is None
    assert (
        program_fault("def g():\n" + "".join(" " * n + "def h():\n" for n in range(1, 60)) + " " * 60 + "f = 1")
        == "no_entry_point"
    )
