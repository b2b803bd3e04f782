"""Attacks on the interpreter itself and on the harness in it; and odd source text."""

from __future__ import annotations

import pytest

from sandboxes import CodeSandbox, Job
from tests.helpers.arena import Face

FILTER = """
import struct
steps = [(0x20, 0, 0, 0), (0x15, 1, 0, 231), (0x15, 0, 1, 60), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]
code = b''.join(struct.pack('=HBBI', *step) for step in steps)
room = ctypes.create_string_buffer(code, len(code))
libc.prctl(22, ctypes.c_ulong(2), struct.pack('HxxxxxxP', len(steps), ctypes.addressof(room)))
return 1"""


INTERPRETER = {
    # takes from an empty stack: below it lies the unset local, so the interpreter drops a null pointer every time
    "bytecode that takes from an empty stack": (
        (
            "def broken():\n    unset = 1\n    return unset\n"
            "broken.__code__ = broken.__code__.replace(co_code=bytes([1, 0] * 8))\nbroken()"
        ),
        "killed: SIGSEGV",
    ),
    "a trace of the harness": ("import sys\nsys.settrace(lambda *a: 1 / 0)\nreturn 1", "ZeroDivisionError"),
    "an exit on the way out": ("class D:\n    def __del__(self): os._exit(0)\nd = D()\nreturn 1", "exited"),
    "collections that raise": (
        "import gc\ndef boom(*a): raise SystemExit\ngc.callbacks.append(boom)\ngc.collect()\nreturn 1",
        "1",
    ),
    "no way out": ("os._exit = lambda *a: None\nreturn 1", "1"),
    "a way out that raises": ("def boom(*a): raise KeyboardInterrupt\nos._exit = boom\nreturn 1", "1"),
    "a way out that its own filter closes": (FILTER, "1"),
    "an error named like a status": (
        "import sys\nsys.modules['sandboxes.worker.child'].name_of_type = lambda kind: 'timeout'\nraise KeyError",
        "exception: timeout",
    ),
    "a name that UTF-8 cannot hold, its own way": (
        (
            "import codecs\ncodecs.register_error('backslashreplace', lambda e: ('x' * 10**7, e.end))\n"
            "raise type(chr(0xd800), (Exception,), {})"
        ),
        "exception: UnicodeEncodeError",
    ),
    "a watchdog thread": ("import faulthandler\nfaulthandler.dump_traceback_later(0.01, exit=True)", "exception: RuntimeError"),
    "a futex in a clean-up list": (
        (
            "import mmap\nroom = mmap.mmap(-1, 4096)\n"
            "place = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(room)))\n"
            "return min(0, libc.syscall(218, place)) + libc.syscall(273, place, 24)"
        ),
        "0",
    ),
    "a hundred thousand signals to itself": (
        (
            "import signal\nsignal.pthread_sigmask(0, range(34, 65))\n"
            "try:\n    for _ in range(100_000): os.kill(os.getpid(), 40)\nexcept OSError: pass\nreturn 1"
        ),
        "1",
    ),
    "fifty thousand mappings": (
        (
            "import mmap\nroom = mmap.mmap(-1, 200 << 20)\nstart = ctypes.addressof(ctypes.c_char.from_buffer(room))\n"
            "for n in range(0, 50_000, 2): libc.mprotect(ctypes.c_void_p(start + n * 4096), ctypes.c_size_t(4096), 1)\nreturn 1"
        ),
        "1",
    ),
    "nothing mapped": ("libc.munmap(ctypes.c_void_p(4096), ctypes.c_size_t(0x7fff00000000))", "killed: SIGSEGV"),
}


@pytest.mark.parametrize(("body", "expected"), INTERPRETER.values(), ids=INTERPRETER)
def test_the_interpreter(face: Face, body: str, expected: str) -> None:
    assert face(body, cpu_s=2, wall_s=4).removeprefix("exception: ") == expected.removeprefix("exception: ")


def test_a_reader_that_the_first_call_spoils_has_read_everything_by_then(sandbox: CodeSandbox) -> None:
    spoil = (
        "import ast, sys\ndef f(x):\n    ast.parse = sys.modules['sandboxes.protocol.literals'].read_call = None\n    return x"
    )
    [outcome] = sandbox.run([Job(program=spoil, calls=("1", "[2]", "x='3'"), determinism=True)])
    assert [call.value for call in outcome.calls] == ["1", "[2]", "'3'"]


SOURCES = {
    "a wide name": ("def \uff46(host):\n    return 1", "1"),
    "a mark of byte order": ("\ufefff = 3", "exception: TypeError"),
    "two marks of byte order": ("\ufeff\ufefff = 3", "syntax_error: SyntaxError"),
    "a name turned around": (
        "def f(host):\n    access = 'user\u202e \u2066# admin\u2069 \u2066'\n    return access == 'user'",
        "False",
    ),
    "carriage returns only": ("def f(host):\r  return 1\r", "1"),
    "form feeds as indentation": ("def f(host):\n\x0c  \x0c return 1", "1"),
    "digits of another script": ("def f(host):\n    return \u0661", "syntax_error: SyntaxError"),
    "a line that goes on at the end": ("def f(host): return 1\n\\", "syntax_error: SyntaxError"),
    "another inequality": ("from __future__ import barry_as_FLUFL\ndef f(host): return 1 <> 2", "syntax_error: SyntaxError"),
    "builtins of its own": ("__builtins__ = {}\ndef f(host): return len([])", "exception: NameError"),
    "a name by its character": ("def f(host): return '\\N{ZERO WIDTH SPACE}'", "'\\u200b'"),
}


@pytest.mark.parametrize(("text", "expected"), SOURCES.values(), ids=SOURCES)
def test_sources(face: Face, text: str, expected: str) -> None:
    assert face("", text=text) == expected
