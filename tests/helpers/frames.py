"""Frames and replies of a sandbox's pool, made by hand."""

from __future__ import annotations

from sandboxes import Job, Status
from sandboxes.pool.frames import Frame, Reply, open_frames
from sandboxes.protocol.wire import Stop, Tag, record


def reply(*parts: bytes, status: int = 0, stop: Stop = Stop.NOT_AT_ALL, peak_mib: float = 10) -> Reply:
    return Reply(status, stop, 0.1, peak_mib, b"".join(parts))


def frame_of(count: int, determinism: bool = False) -> Frame:
    job = Job(program="import sys", calls=("1",) * count, determinism=determinism, may_meet=True)
    [frame] = open_frames(job, [None] * count)
    return frame


def statuses(frame: Frame) -> list[Status | None]:
    return [None if result is None else result.status for result in frame.results]


LOADED, VALUE = record(Tag.LOADED, ""), record(Tag.VALUE, "1")
