"""The pure half: what replies settle, which calls run again, what is refused unsent."""

from __future__ import annotations

import os
import signal

import pytest

from sandboxes import CallOutcome, Job, Limits, Status
from sandboxes.replies import (
    MAX_CALLS,
    MAX_MEMORY_MIB,
    MAX_PROGRAM_BYTES,
    Frame,
    Reply,
    open_frames,
    open_twins,
    refuse,
    settle,
)
from sandboxes.wire import Stop, Tag, record, records

MEETING = "def f(x): return x"
"""A program whose calls cannot meet."""


def _reply(*parts: bytes, status: int = 0, stop: Stop = Stop.NOT_AT_ALL, peak_mib: float = 10) -> Reply:
    return Reply(status, stop, 0.1, peak_mib, b"".join(parts))


def _frame(count: int, determinism: bool = False) -> Frame:
    job = Job(program="import sys", calls=("1",) * count, determinism=determinism, may_meet=True)
    [frame] = open_frames(job, [None] * count)
    return frame


def _statuses(frame: Frame) -> list[Status | None]:
    return [None if result is None else result.status for result in frame.results]


LOADED, VALUE = record(Tag.LOADED, ""), record(Tag.VALUE, "1")


def test_all_values_settle_the_frame() -> None:
    frame = _frame(2)
    assert settle(frame, _reply(LOADED, VALUE, VALUE)) is None
    assert frame.results == [CallOutcome(status=Status.OK, value="1")] * 2


def test_death_in_a_later_call_settles_only_the_calls_before_it() -> None:
    frame = _frame(4)
    rest = settle(frame, _reply(LOADED, VALUE, VALUE, status=signal.SIGKILL, stop=Stop.TIME))
    assert rest is not None
    assert rest.indices == [2, 3]
    rest = settle(rest, _reply(LOADED, status=signal.SIGKILL, stop=Stop.TIME))
    assert rest is not None
    assert rest.indices == [3]
    assert settle(rest, _reply(LOADED, VALUE)) is None
    assert _statuses(frame) == [Status.OK, Status.OK, Status.TIMEOUT, Status.OK]


def test_death_before_the_module_is_loaded_settles_every_call() -> None:
    frame = _frame(3)
    assert settle(frame, _reply(status=signal.SIGKILL, stop=Stop.TIME)) is None
    assert _statuses(frame) == [Status.TIMEOUT] * 3


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (_reply(LOADED), Status.EXCEPTION, "exited"),
        (_reply(LOADED, status=7 << 8), Status.EXCEPTION, "exited"),
        (_reply(LOADED, status=signal.SIGSEGV), Status.EXCEPTION, "killed: SIGSEGV"),
        (_reply(LOADED, status=40), Status.EXCEPTION, "killed: signal 40"),
        (_reply(LOADED, status=signal.SIGKILL), Status.EXCEPTION, "killed: SIGKILL"),
        (_reply(LOADED, status=signal.SIGKILL, peak_mib=1_100), Status.MEMORY, "out of memory"),
        (_reply(LOADED, b"\x56\xff\xff\xff\xff"), Status.EXCEPTION, "exited"),
        (_reply(LOADED, record(Tag.ARGUMENTS, "x")), Status.EXCEPTION, "exited"),
        (_reply(LOADED, status=signal.SIGKILL, stop=Stop.TIME), Status.TIMEOUT, "over its CPU or wall limit"),
        (_reply(LOADED, status=signal.SIGKILL, stop=Stop.IDLE), Status.IDLE, "waited for something that is no processor"),
        (_reply(os.urandom(100)), Status.EXCEPTION, "exited"),
    ],
)
def test_endings(reply: Reply, status: Status, error: str) -> None:
    frame = _frame(1)
    settle(frame, reply)
    assert frame.results == [CallOutcome(status=status, error=error)]


def test_long_arguments_travel_in_several_frames() -> None:
    job = Job(program=MEETING, calls=("'" + "x" * 19_000 + "'",) * 5)
    [frame] = open_frames(job, [None] * 5)
    assert frame.sent == 3
    rest = settle(frame, _reply(LOADED, VALUE, VALUE, VALUE, VALUE))
    assert rest is not None
    assert rest.indices == [3, 4]
    assert settle(rest, _reply(record(Tag.SYNTAX_ERROR, "SyntaxError"))) is None
    assert _statuses(frame) == [Status.OK] * 3 + [Status.SYNTAX_ERROR] * 2


def test_more_values_than_calls_are_ignored() -> None:
    frame = _frame(1)
    assert settle(frame, _reply(LOADED, VALUE, VALUE, VALUE)) is None
    assert _statuses(frame) == [Status.OK]


def test_calls_share_a_frame_only_where_they_cannot_meet_or_may() -> None:
    for program, may_meet, calls in (
        (MEETING, False, [[0, 1]]),
        ("import sys", True, [[0, 1]]),
        ("import sys", False, [[0], [1]]),
    ):
        job = Job(program=program, calls=("1", "2"), may_meet=may_meet)
        assert [frame.indices for frame in open_frames(job, [None, None])] == calls


def test_a_proof_by_reading_needs_no_second_run() -> None:
    [frame] = open_frames(Job(program=MEETING, calls=("1",), determinism=True), [None])
    assert (frame.least, frame.most) == (1, 1)
    settle(frame, _reply(LOADED, VALUE))
    assert open_twins(frame, 5) == []


def test_twins_ask_about_good_calls_only_and_must_agree() -> None:
    frame = _frame(4, determinism=True)
    exception = record(Tag.EXCEPTION, "KeyError")
    settle(frame, _reply(LOADED, VALUE, exception, record(Tag.VALUE, "{1: 2, 3: 4}"), VALUE))
    twin, other, last = open_twins(frame, 4)
    assert [one.twin for one in (twin, other, last)] == [1, 2, 3]
    assert twin.indices == other.indices == [0, 2, 3]
    assert [(one.least, one.most) for one in (frame, twin)] == [(2, 8), (1, 1)]
    settle(twin, _reply(LOADED, record(Tag.VALUE, "True"), record(Tag.VALUE, "{3: 4, 1: 2}"), exception))
    assert _statuses(frame) == [Status.NONDETERMINISTIC, Status.EXCEPTION, Status.OK, Status.NONDETERMINISTIC]
    settle(other, _reply(LOADED, VALUE, record(Tag.VALUE, "{1: 2, 3: 4}"), VALUE))
    assert _statuses(frame) == [Status.NONDETERMINISTIC, Status.EXCEPTION, Status.OK, Status.NONDETERMINISTIC]
    last.give_up()
    assert _statuses(frame) == [Status.NONDETERMINISTIC, Status.EXCEPTION, Status.WORKER_LOST, Status.NONDETERMINISTIC]
    assert open_twins(twin, 4) == []


def test_a_frame_that_was_cut_short_asks_its_twins_about_all_of_its_calls() -> None:
    frame = _frame(3, determinism=True)
    rest = settle(frame, _reply(LOADED, VALUE))
    assert rest is not None
    assert settle(rest, _reply(LOADED, VALUE, VALUE)) is None
    assert [twin.indices for twin in open_twins(rest, 3)] == [[0, 1, 2]] * 2


@pytest.mark.parametrize(
    ("job", "status"),
    [
        (Job(program="x" * (MAX_PROGRAM_BYTES + 1), calls=("",)), Status.FORBIDDEN),
        (Job(program="\ud800", calls=("",)), Status.SYNTAX_ERROR),
        (Job(program="", calls=("",) * (MAX_CALLS + 1)), Status.FORBIDDEN),
        (Job(program="", calls=("",), entry_point="f" * 201), Status.FORBIDDEN),
        (Job(program="", calls=("",), entry_point="\ud800"), Status.SYNTAX_ERROR),
        (Job(program="", calls=("",), limits=Limits(memory_mib=MAX_MEMORY_MIB + 1)), Status.FORBIDDEN),
    ],
)
def test_jobs_over_their_caps_are_refused_unsent(job: Job, status: Status) -> None:
    outcome = refuse(job)
    assert outcome is not None
    assert {call.status for call in outcome.calls} == {status}


def test_arguments_that_cannot_be_sent_are_forbidden() -> None:
    results: list[CallOutcome | None] = [None] * 3
    [frame] = open_frames(Job(program="", calls=("1", "'\ud800'", "1" * 30_000)), results)
    assert frame.indices == [0]
    assert [result and result.status for result in results] == [None, Status.FORBIDDEN, Status.FORBIDDEN]
    assert open_frames(Job(program="", calls=("'\ud800'",)), [None]) == []


def test_records_survive_any_cut() -> None:
    data = record(Tag.VALUE, "é") + record(Tag.EXCEPTION, "\ud800")
    assert list(records(data)) == [(Tag.VALUE, "é"), (Tag.EXCEPTION, "\\ud800")]
    for cut in range(len(data)):
        assert len(list(records(data[:cut]))) < 2
