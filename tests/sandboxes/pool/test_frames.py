"""Frames: which calls travel together, what is refused unsent, and what runs again under the other hash seeds."""

from __future__ import annotations

from sandboxes import CallOutcome, Job, Status
from sandboxes.pool.frames import Reply, open_frames, open_reruns
from sandboxes.pool.outcomes import settle, settle_as_lost
from sandboxes.protocol.wire import Stop, Tag, record
from tests.helpers.frames import LOADED, VALUE, frame_of, reply, statuses

"""A program whose calls cannot meet."""


MEETING = "def f(x): return x"


def test_long_arguments_travel_in_several_frames() -> None:
    job = Job(program=MEETING, calls=("'" + "x" * 19_000 + "'",) * 5)
    [frame] = open_frames(job, [None] * 5)
    assert frame.sent == 3
    rest = settle(frame, reply(LOADED, VALUE, VALUE, VALUE, VALUE))
    assert rest is not None
    assert rest.indices == [3, 4]
    assert settle(rest, reply(record(Tag.SYNTAX_ERROR, "SyntaxError"))) is None
    assert statuses(frame) == [Status.OK] * 3 + [Status.SYNTAX_ERROR] * 2


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
    assert (frame.min_runs, frame.max_runs) == (1, 1)
    settle(frame, reply(LOADED, VALUE))
    assert open_reruns(frame, 5) == []


def test_reruns_are_of_good_calls_only_and_must_agree() -> None:
    frame = frame_of(4, determinism=True)
    exception = record(Tag.EXCEPTION, "KeyError")
    settle(frame, reply(LOADED, VALUE, exception, record(Tag.VALUE, "{1: 2, 3: 4}"), VALUE))
    first, other, last = open_reruns(frame, 4)
    assert [rerun.seed for rerun in (first, other, last)] == [1, 2, 3]
    assert first.indices == other.indices == [0, 2, 3]
    assert [(each.min_runs, each.max_runs) for each in (frame, first)] == [(2, 8), (1, 1)]
    settle(first, reply(LOADED, record(Tag.VALUE, "True"), record(Tag.VALUE, "{3: 4, 1: 2}"), exception))
    assert statuses(frame) == [Status.NONDETERMINISTIC, Status.EXCEPTION, Status.OK, Status.NONDETERMINISTIC]
    settle(other, reply(LOADED, VALUE, record(Tag.VALUE, "{1: 2, 3: 4}"), VALUE))
    assert statuses(frame) == [Status.NONDETERMINISTIC, Status.EXCEPTION, Status.OK, Status.NONDETERMINISTIC]
    settle_as_lost(last)
    assert statuses(frame) == [Status.NONDETERMINISTIC, Status.EXCEPTION, Status.WORKER_LOST, Status.NONDETERMINISTIC]
    assert open_reruns(first, 4) == []


def test_a_frame_that_was_cut_short_runs_all_of_its_calls_again() -> None:
    frame = frame_of(3, determinism=True)
    rest = settle(frame, reply(LOADED, VALUE))
    assert rest is not None
    assert settle(rest, reply(LOADED, VALUE, VALUE)) is None
    assert [rerun.indices for rerun in open_reruns(rest, 3)] == [[0, 1, 2]] * 2


def test_arguments_that_cannot_be_sent_are_forbidden() -> None:
    results: list[CallOutcome | None] = [None] * 3
    [frame] = open_frames(Job(program="", calls=("1", "'\ud800'", "1" * 30_000)), results)
    assert frame.indices == [0]
    assert [result and result.status for result in results] == [None, Status.FORBIDDEN, Status.FORBIDDEN]
    assert open_frames(Job(program="", calls=("'\ud800'",)), [None]) == []


def test_a_set_in_the_input_runs_under_every_hash_seed() -> None:
    """A program without any can tell the order of one that it is given; reading it proves nothing then."""
    value, loaded = record(Tag.VALUE, "1"), record(Tag.LOADED, "")
    for call, seeds in (("{'a', 'b'}", 8), ("frozenset({'a'})", 8), ("[set()]", 8), ("{'a': 1}", 1), ("'set'", 1)):
        [frame] = open_frames(Job(program="def f(x): return [*x]", calls=(call,), determinism=True), [None])
        settle(frame, Reply(0, Stop.NOT_AT_ALL, 0.1, 10, loaded + value))
        assert 1 + len(open_reruns(frame, 8)) == seeds, call
