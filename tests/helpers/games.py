"""What tests of games share."""

from __future__ import annotations

from collections.abc import Sequence

from sandboxes import CallOutcome, Job, Outcome, Status


class RecordingSandbox:
    """A sandbox that echoes each call, and remembers its batches."""

    name = "recorder"

    def __init__(self) -> None:
        self.batches: list[list[Job]] = []

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        self.batches.append(list(jobs))
        return [Outcome.of([self.call(job, call) for call in job.calls]) for job in jobs]

    def call(self, job: Job, call: str) -> CallOutcome:
        return CallOutcome(status=Status.OK, value=f"{job.program}({call})")

    def close(self) -> None:
        pass
