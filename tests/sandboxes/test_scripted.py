"""The scripted double."""

from __future__ import annotations

import pytest

from sandboxes import CallOutcome, Job, Outcome, SandboxError, ScriptedSandbox, Status


def test_scripted_sandbox() -> None:
    job = Job(program="", calls=("1",))
    good = Outcome.of([CallOutcome(status=Status.OK, value="1")])
    assert Outcome.from_json(good.to_json()) == good
    listed = ScriptedSandbox([good])
    assert listed.run([job]) == [good]
    assert listed.jobs == [job]
    with pytest.raises(SandboxError, match="ran out"):
        listed.run([job])
    computed = ScriptedSandbox(lambda job: Outcome.uniform(Status.TIMEOUT, len(job.calls)))
    assert computed.run([job, job])[1].status is Status.TIMEOUT
