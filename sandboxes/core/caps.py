"""Caps on jobs and workers that no configuration raises, and the outcome of a job that is over them."""

from __future__ import annotations

from .types import Job, Outcome, Status

MAX_PROGRAM_BYTES = 65_536
MAX_CALLS = 1_024
MAX_ENTRY_POINT_CHARS = 200
MAX_MEMORY_MIB = 1_024
"""Most memory that a job may ask for on top of the interpreter's; containers are sized by it."""
RECYCLE_AFTER = 20_000
"""Jobs after which a worker is replaced by a fresh one, by default: half a minute's work."""


def refuse(job: Job) -> Outcome | None:
    """The outcome of a job that is not worth sending, or None."""
    count = len(job.calls)
    try:
        size = len(job.program.encode())
        job.entry_point.encode()
    except UnicodeEncodeError:
        return Outcome.uniform(Status.SYNTAX_ERROR, count, "UnicodeEncodeError")
    if size > MAX_PROGRAM_BYTES:
        return Outcome.uniform(Status.FORBIDDEN, count, f"program longer than {MAX_PROGRAM_BYTES} bytes")
    if len(job.entry_point) > MAX_ENTRY_POINT_CHARS:
        return Outcome.uniform(Status.FORBIDDEN, count, f"entry point longer than {MAX_ENTRY_POINT_CHARS} characters")
    if count > MAX_CALLS:
        return Outcome.uniform(Status.FORBIDDEN, count, f"more than {MAX_CALLS} calls")
    if job.limits.memory_mib > MAX_MEMORY_MIB:
        return Outcome.uniform(Status.FORBIDDEN, count, f"memory_mib over {MAX_MEMORY_MIB}")
    return None
