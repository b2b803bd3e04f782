"""How a program ends is for its parent to say, whatever the program makes of it; and only plain values come back."""

from __future__ import annotations

import pytest

from sandboxes import Status
from tests.helpers.arena import Arena, Case, check

DEATHS = {
    "an exit code of ours": Case("os._exit(99)", Status.EXCEPTION, "exited"),
    "an exit code like a signal's": Case("os._exit(137)", Status.EXCEPTION, "exited"),
    "sys.exit": Case("import sys; sys.exit('all passed')", Status.EXCEPTION, "SystemExit"),
    "a deep C stack": Case(
        "import sys; sys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(s): return repr(s)\nreturn repr(A())",
        Status.EXCEPTION,
        "killed: SIGSEGV",
        cpu_s=4,
        wall_s=9,
    ),
    "terminated": Case("os.kill(os.getpid(), 15)", Status.EXCEPTION, "killed: SIGTERM"),
    "as if over its time": Case("import signal\nos.kill(os.getpid(), signal.SIGXCPU)", Status.EXCEPTION, "killed: SIGXCPU"),
    "as if it made a forbidden call": Case(
        "import signal\nos.kill(os.getpid(), signal.SIGSYS)", Status.EXCEPTION, "killed: SIGSYS"
    ),
    "a signal without a name": Case("os.kill(os.getpid(), 40)", Status.EXCEPTION, "killed: signal 40"),
    "interrupted": Case("import signal\nsignal.raise_signal(2)\nwhile True: pass", Status.EXCEPTION),
    "a long name": Case("raise type('E' * 10_000, (Exception,), {})", Status.EXCEPTION, "E" * 80),
    "an exception as a status": Case("raise type('worker_lost', (Exception,), {})", Status.EXCEPTION, "worker_lost"),
    "a MemoryError of its own": Case("raise type('MemoryError', (Exception,), {})", Status.EXCEPTION, "MemoryError"),
    "leaving a generator": Case("raise GeneratorExit", Status.EXCEPTION, "GeneratorExit"),
    "many exceptions": Case("raise BaseExceptionGroup('x', [SystemExit(0)] * 9)", Status.EXCEPTION, "BaseExceptionGroup"),
}


@pytest.mark.parametrize("case", DEATHS.values(), ids=DEATHS)
def test_deaths(arena: Arena, case: Case) -> None:
    check(arena, case)


def unfit(body: str, error: str) -> Case:
    """A case whose value is no literal."""
    return Case(body, Status.NOT_SERIALISABLE, error)


UNFIT = {
    "equal to everything, in a dict": unfit(
        "class E:\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: 0\nreturn {E(): 1}", "type E"
    ),
    "a text that equals all": unfit("class S(str):\n    __eq__ = lambda s, o: True\nreturn S('x')", "type S"),
    "a list that lies": unfit("class L(list):\n    __iter__ = lambda s: iter([1])\nreturn L()", "type L"),
    "a dict that lies": unfit("import collections\nclass D(collections.defaultdict): pass\nreturn D(int, a=1)", "type D"),
    "a tuple with names": unfit("import collections\nclass P(collections.namedtuple('P', 'x')): pass\nreturn P(1)", "type P"),
    "a class that says int": unfit("class E:\n    __class__ = int\nreturn E()", "type E"),
    "a class of a class": unfit(
        "class M(type):\n    __eq__ = lambda s, o: True\n    __hash__ = id\nclass E(metaclass=M): pass\nreturn E()", "type E"
    ),
    "a repr of its own": unfit("class E:\n    __repr__ = lambda s: '1'\nreturn E()", "type E"),
    "a pickle of its own": unfit("class E:\n    __reduce__ = lambda s: (eval, ('1',))\nreturn E()", "type E"),
    "bytes that change": unfit("return bytearray(b'x')", "type bytearray"),
    "NaN deep down": unfit("return {'a': [({1: float('nan')},)]}", "NaN"),
    "itself in a tuple": unfit("x = []; x.append((x,)); return x", "nested deeper than 64"),
    "NotImplemented": unfit("return NotImplemented", "type NotImplementedType"),
    "dots": unfit("return ...", "type ellipsis"),
}


@pytest.mark.parametrize("case", UNFIT.values(), ids=UNFIT)
def test_not_serialisable(arena: Arena, case: Case) -> None:
    check(arena, case)
