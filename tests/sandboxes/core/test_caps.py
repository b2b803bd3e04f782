"""Jobs over their caps."""

from __future__ import annotations

import pytest

from sandboxes import Job, Limits, Status
from sandboxes.core.caps import MAX_CALLS, MAX_MEMORY_MIB, MAX_PROGRAM_BYTES, refuse


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
