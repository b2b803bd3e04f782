"""Random bytes and texts against everything on the host that reads what a program or a model wrote.

Thirty seconds here; `SELFPLAY_FUZZ_S=600` in the environment makes it ten minutes (`.ci/long` does).
"""

from __future__ import annotations

import ast
import math
import os
import string
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandboxes import Job, Limits, NotALiteral, Outcome, Status, canonical, parse_arguments, parse_literal, same_value
from sandboxes.core.launcher import Started
from sandboxes.pool.batch import Batch
from sandboxes.pool.connection import WorkerConnection, WorkerLost
from sandboxes.pool.frames import Frame, Reply, open_frames
from sandboxes.pool.outcomes import settle
from sandboxes.protocol.canonical import NotSerialisable, TooLarge
from sandboxes.protocol.wire import RECORD, REPLY, Stop, Tag, record, records

SECONDS = float(os.environ.get("SELFPLAY_FUZZ_S", "30"))
# Examples a second on a slow core, measured, times this test's share of the time.
FUZZ = {"suppress_health_check": list(HealthCheck), "phases": [Phase.explicit, Phase.generate, Phase.shrink], "deadline": None}


def examples(per_s: float, share: float) -> settings:
    """Settings for about `share` of the seconds, at `per_s` examples a second."""
    return settings(max_examples=max(50, int(SECONDS * share * per_s)), **FUZZ)


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 17_000).map(lambda bits: (1 << bits) - 1)  # on both sides of what `repr` of an int allows
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
)
hashables = st.recursive(leaves, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=6)
values = st.recursive(
    leaves | st.sets(hashables, max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(hashables, inner, max_size=4),
    max_leaves=12,
)
pythonish = st.text(alphabet="()[]{}:,.=*+-\"'\\ \n#0123456789eEjxobrfuNTF_" + string.ascii_lowercase[:4], max_size=60)
hostile = st.text(st.characters(codec=None, exclude_categories=()), max_size=60) | pythonish  # surrogates and NUL too
literal_sources = st.sampled_from(
    ["set()", "frozenset({1})", "1e999", "{**{}}", "f()", "(1)(2)", "1) or (2", "*[1]", "x:=1", "..."]
)


@examples(400, 0.2)
@given(values)
def test_canonical_text_is_read_back_as_the_same_value(value: Any) -> None:
    text = canonical(value)
    read = parse_literal(text, max_chars=max(20_000, len(text)))
    assert canonical(read) == text
    assert type(read) is type(value)
    assert read == value
    assert same_value(text, canonical(read), strict=True)


@examples(1500, 0.1)
@given(hostile | literal_sources)
def test_reading_a_literal_raises_nothing_but_not_a_literal(text: str) -> None:
    try:
        value = parse_literal(text)
    except NotALiteral:
        return
    assert same_value(canonical(value), canonical(value), strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as "\\8", which is a literal all the same
        ast.parse(text.strip(), mode="eval")  # what was read is Python


@examples(1500, 0.1)
@given(hostile | literal_sources | st.lists(literal_sources, max_size=3).map(", ".join))
def test_reading_arguments_raises_nothing_but_not_a_literal_and_is_stable(text: str) -> None:
    try:
        once = parse_arguments(text)
    except NotALiteral:
        return
    assert parse_arguments(once) == once


@examples(3000, 0.1)
@given(st.binary(max_size=300))
def test_records_of_any_bytes_are_texts(payload: bytes) -> None:
    for tag, text in records(payload):
        assert 0 <= tag <= 255
        text.encode("utf-8")


@examples(500, 0.05)
@given(st.lists(st.tuples(st.sampled_from(list(Tag)), hostile)))
def test_records_are_read_as_they_were_written(rows: list[tuple[Tag, str]]) -> None:
    read = list(records(b"".join(record(tag, text) for tag, text in rows)))
    assert [tag for tag, _ in read] == [tag for tag, _ in rows]
    for (_, got), (_, sent) in zip(read, rows, strict=True):
        assert got == sent.encode("utf-8", "backslashreplace").decode()


payloads = st.binary(max_size=200) | st.lists(
    st.tuples(st.integers(0, 255), st.binary(max_size=20)).map(lambda row: RECORD.pack(row[0], len(row[1])) + row[1]),
    max_size=8,
).map(b"".join)
replies = st.builds(
    Reply,
    status=st.integers(-(2**31), 2**31 - 1),
    stop=st.sampled_from(Stop),
    cpu_s=st.floats(0, 100),
    peak_mib=st.floats(0, 1e5),
    payload=payloads,
)


@examples(300, 0.2)
@given(st.lists(replies, min_size=1, max_size=12), st.integers(1, 6), st.booleans())
def test_any_replies_settle_a_job_in_the_end(answers: list[Reply], calls: int, determinism: bool) -> None:
    """Whatever comes back, each reply settles at least one call, and no outcome is made up without one."""
    job = Job(program="", calls=("1",) * calls, limits=Limits(), determinism=determinism)
    batch = Batch([job])
    for number in range(20 * calls + 20):
        seed = next((seed for seed, waiting in batch.waiting.items() if waiting), None)
        if seed is None:
            break
        frame = batch.take(seed)
        assert frame is not None
        assert frame.batch == batch.number
        batch.finish(frame, answers[number % len(answers)])
    assert batch.size == 0
    [outcome] = batch.outcomes()
    assert len(outcome.calls) == calls
    assert Outcome.from_json(outcome.to_json()) == outcome
    for call in outcome.calls:
        assert (call.value is not None) == (call.status is Status.OK)


class _Stream:
    """A connection that hands out bytes in the given pieces, then hangs up."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0)[:size] if self.pieces else b""


@examples(400, 0.15)
@given(st.lists(st.binary(max_size=80), max_size=6), st.lists(payloads, max_size=3))
def test_a_stream_of_any_bytes_ends_in_worker_lost(noise: list[bytes], good: list[bytes]) -> None:
    """Honest replies first, which must arrive; then noise, which must end in WorkerLost or in waiting for more."""
    job = Job(program="", calls=("1",))
    batch = Batch([job] * (len(good) + 1))
    connection = WorkerConnection(Started(_Stream([]), lambda: ""), 0)  # type: ignore[arg-type]
    for _ in range(len(good) + 1):
        frame = batch.take(0)
        assert frame is not None
        connection.enqueue(frame)
    numbers = [number for number, _ in connection.in_flight]
    sent = b"".join(REPLY.pack(number, len(body), 0, 0, 0, 0) + body for number, body in zip(numbers, good, strict=False))
    connection.started.connection.pieces.extend([sent, *noise] if sent else noise)  # type: ignore[attr-defined]
    arrived: list[bytes] = []

    def listen() -> None:
        for _ in range(20):
            for _, reply in connection.receive():
                arrived.append(reply.payload)

    with pytest.raises(WorkerLost):
        listen()
    assert arrived[: len(good)] == good


@examples(600, 0.1)
@given(st.builds(complex, st.floats(), st.floats()) | st.floats() | st.lists(st.floats(), max_size=3))
def test_nan_and_only_nan_is_refused(value: Any) -> None:
    parts = [value.real, value.imag] if isinstance(value, complex) else value if isinstance(value, list) else [value]
    try:
        text = canonical(value)
    except NotSerialisable:
        assert any(math.isnan(part) for part in parts)
        return
    assert not any(math.isnan(part) for part in parts)
    assert same_value(text, canonical(parse_literal(text)), strict=True)


@examples(400, 0.05)
@given(values, st.integers(0, 200))
def test_a_length_limit_is_kept(value: Any, limit: int) -> None:
    try:
        assert len(canonical(value, limit)) <= limit
    except TooLarge:
        assert len(canonical(value)) > limit - 2 or limit < 4


@examples(400, 0.05)
@given(hostile, hostile, hostile)
def test_a_frame_of_any_text_is_encoded_or_refused(program: str, entry_point: str, call: str) -> None:
    job = Job(program=program, calls=(call,), entry_point=entry_point)
    batch = Batch([job])
    frame = batch.take(0)
    if frame is None:
        assert batch.outcomes()[0].status in (Status.FORBIDDEN, Status.SYNTAX_ERROR)
    else:
        assert len(frame.encode(1)) > len(program)
        assert settle(Frame(job, [0], [None]), Reply(0, Stop.NOT_AT_ALL, 0.0, 0.0, b"")) is None or open_frames(job, [None])
