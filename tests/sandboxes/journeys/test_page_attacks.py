"""A second attacker's attempts at the page between child and worker."""

from __future__ import annotations

import pytest

from sandboxes import CodeSandbox, Job, Limits, NotALiteral, Status, parse_literal, same_value
from tests.helpers.canaries import PROBE, Host

PAGE = """
import ctypes, gc, mmap, os, signal, sys
def page():
    frame = sys._getframe()
    while 'emit' not in frame.f_locals: frame = frame.f_back
    return frame.f_locals['emit'].__self__
def address():
    return ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page()._map)))
def say(tag, data):
    whole = b'R' + bytes(4) + bytes([tag]) + len(data).to_bytes(4, 'little') + data
    page()._map[4:4 + len(whole)] = whole
    page()._map[:4] = len(whole).to_bytes(4, 'little')
    os._exit(0)
libc, size = ctypes.CDLL(None), ctypes.c_size_t(4 << 20)
libc.mmap.restype = ctypes.c_void_p
{module}
def f(n):
    if n == 1:
        {body}
    return n
"""


# What the first of three calls does with the page, and what becomes of the three.
PAGES = {
    "other memory in its place": ("libc.mmap(address(), size, 3, 0x32, -1, 0)", ["exited", "2", "3"]),
    "made longer": ("page()._map.resize(1 << 26); page()._map[1 << 25] = 1", ["killed: SIGBUS", "2", "3"]),
    "closed to itself": ("libc.mprotect(address(), size, 0)", ["killed: SIGSEGV", "2", "3"]),
    "given back to the kernel": ("page()._map.madvise(mmap.MADV_REMOVE); os._exit(0)", ["exited"] * 3),
    "written to until the end": (
        "signal.setitimer(0, 0.05)\n        while True: page()._map[:9] = b'\\xff' * 9",
        ["killed: SIGALRM"] * 3,
    ),
    "found by the collector, with all that is mapped": (
        (
            "for o in gc.get_objects():\n            for m in gc.get_referents(o):\n"
            "                if type(m) is mmap.mmap and not m.closed: m[9:99] = b'\\xff' * 90"
        ),
        ["1", "2", "3"],
    ),
    "a counter that runs ahead": ("page()._used_bytes = 1 << 22", ["exited", "2", "3"]),
    "a counter that runs back": ("page()._used_bytes = -4", ["exited"] * 3),
    "text that is none": ("say(86, b'\\xff\\xfe')", ["\ufffd\ufffd", "2", "3"]),
    "4 MiB of numbers": ("page().emit(86, '[' + '0,' * 2_000_000 + ']'); os._exit(0)", ["longer than 65536 bytes", "2", "3"]),
    "an error of 4 MiB": ("page().emit(69, '\\n' * 4_000_000); os._exit(0)", ["\n" * 200, "2", "3"]),
    "arguments that are no literals after all": ("say(70, b'arguments are not literals')", ["exited", "2", "3"]),
    "memory that ran out in company": ("page().emit(86, '1'); page().emit(77, 'MemoryError'); os._exit(0)", ["1", "2", "3"]),
    "a greeting": ("page().emit(72, 'nothing')", ["1", "2", "3"]),
}


@pytest.mark.parametrize(("body", "expected"), PAGES.values(), ids=PAGES)
def test_the_page(sandbox: CodeSandbox, body: str, expected: list[str]) -> None:
    sandbox.run([PROBE])
    before = sandbox.stats()
    job = Job(program=PAGE.format(body=body, module=""), calls=("1", "2", "3"), limits=Limits(cpu_s=0.5), may_meet=True)
    outcome, probe = sandbox.run([job, PROBE])
    assert [call.value or call.error for call in outcome.calls] == expected
    assert probe.calls[0].value == "[(4, 2.0)]"
    assert (sandbox.stats().lost, sandbox.stats().layers) == (before.lost, before.layers)


@pytest.mark.parametrize(
    ("module", "status"),
    [
        ("page().emit(67, 'SyntaxError'); os._exit(0)", Status.SYNTAX_ERROR),
        ("page().emit(82, ''); os._exit(0)", Status.EXCEPTION),
    ],
    ids=["does not compile", "is loaded"],
)
def test_what_a_module_says_of_itself_is_for_its_own_calls_only(sandbox: CodeSandbox, module: str, status: Status) -> None:
    outcome, probe = sandbox.run([Job(program=PAGE.format(body="pass", module=module), calls=("1", "2")), PROBE])
    assert {call.status for call in outcome.calls} == {status}
    assert probe.calls[0].value == "[(4, 2.0)]"


def test_the_next_job_finds_an_empty_page(sandbox: CodeSandbox) -> None:
    full = Job(program=PAGE.format(body="page()._map[4:] = b'x' * ((4 << 20) - 4); os._exit(0)", module=""), calls=("1",))
    count = "return len(page()._map) - page()._map[:].count(0)"
    look = Job(program=PAGE.format(body=count, module=""), calls=("1",))
    outcomes = sandbox.run([full, full, look, look, look])
    found = [int(outcome.calls[0].value or 9999) for outcome in outcomes[2:]]
    assert max(found) < 20  # its own first record; 4 million if the page were not wiped


def test_a_value_that_is_code_is_a_text_that_nobody_runs(sandbox: CodeSandbox, host: Host) -> None:
    touch = f"__import__('pathlib').Path('{host.folder}/new').touch()"
    [outcome] = sandbox.run([Job(program=PAGE.format(body=f"say(86, {touch.encode()!r})", module=""), calls=("1",))])
    assert outcome.calls[0].value == touch
    assert not same_value(touch, touch)
    with pytest.raises(NotALiteral):
        parse_literal(touch)
    assert not (host.folder / "new").exists()
