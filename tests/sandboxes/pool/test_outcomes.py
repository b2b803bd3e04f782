"""Outcomes: which calls a reply settles, and how."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sandboxes import CallOutcome, Status
from sandboxes.pool.frames import Reply
from sandboxes.pool.outcomes import read_reply, settle
from sandboxes.protocol.wire import PAGE_BYTES, PAGE_HEADER_BYTES, Stop, Tag, record
from tests.helpers.frames import LOADED, VALUE, frame_of, reply, statuses


def test_all_values_settle_the_frame() -> None:
    frame = frame_of(2)
    assert settle(frame, reply(LOADED, VALUE, VALUE)) is None
    assert frame.results == [CallOutcome(status=Status.OK, value="1")] * 2


def test_death_in_a_later_call_settles_only_the_calls_before_it() -> None:
    frame = frame_of(4)
    rest = settle(frame, reply(LOADED, VALUE, VALUE, status=signal.SIGKILL, stop=Stop.TIME))
    assert rest is not None
    assert rest.indices == [2, 3]
    rest = settle(rest, reply(LOADED, status=signal.SIGKILL, stop=Stop.TIME))
    assert rest is not None
    assert rest.indices == [3]
    assert settle(rest, reply(LOADED, VALUE)) is None
    assert statuses(frame) == [Status.OK, Status.OK, Status.TIMEOUT, Status.OK]


def test_death_before_the_module_is_loaded_settles_every_call() -> None:
    frame = frame_of(3)
    assert settle(frame, reply(status=signal.SIGKILL, stop=Stop.TIME)) is None
    assert statuses(frame) == [Status.TIMEOUT] * 3


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (reply(LOADED), Status.EXCEPTION, "exited"),
        (reply(LOADED, status=7 << 8), Status.EXCEPTION, "exited"),
        (reply(LOADED, status=signal.SIGSEGV), Status.EXCEPTION, "killed: SIGSEGV"),
        (reply(LOADED, status=40), Status.EXCEPTION, "killed: signal 40"),
        (reply(LOADED, status=signal.SIGKILL), Status.EXCEPTION, "killed: SIGKILL"),
        (reply(LOADED, status=signal.SIGKILL, peak_mib=1_100), Status.MEMORY, "out of memory"),
        (reply(LOADED, b"\x56\xff\xff\xff\xff"), Status.EXCEPTION, "exited"),
        (reply(LOADED, record(Tag.ARGUMENTS, "x")), Status.EXCEPTION, "exited"),
        (reply(LOADED, status=signal.SIGKILL, stop=Stop.TIME), Status.TIMEOUT, "over its CPU or wall limit"),
        (reply(LOADED, status=signal.SIGKILL, stop=Stop.IDLE), Status.IDLE, "waited for something that is no processor"),
        (reply(os.urandom(100)), Status.EXCEPTION, "exited"),
    ],
)
def test_endings(reply: Reply, status: Status, error: str) -> None:
    frame = frame_of(1)
    settle(frame, reply)
    assert frame.results == [CallOutcome(status=status, error=error)]


def test_more_values_than_calls_are_ignored() -> None:
    frame = frame_of(1)
    assert settle(frame, reply(LOADED, VALUE, VALUE, VALUE)) is None
    assert statuses(frame) == [Status.OK]


@pytest.mark.parametrize("tag", [b"R", b"V", b"x"])
def test_a_page_full_of_records_costs_the_host_nothing(tag: bytes) -> None:
    payload = (tag + bytes(4)) * ((PAGE_BYTES - PAGE_HEADER_BYTES) // 5)
    started = time.thread_time()
    outcomes = read_reply(Reply(0, Stop.NOT_AT_ALL, 0.0, 0.0, payload), 1, 1)
    assert time.thread_time() - started < 0.2  # to read all of them takes a second
    assert len(outcomes) == 1
