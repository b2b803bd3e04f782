"""Runs jobs of equal programs as one: what is the same in a batch is done once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sandboxes import CallOutcome, CodeSandbox, Job, Outcome

_CALLS_TOGETHER = 256  # a sandbox refuses a job of more than 1,024 calls


def run_grouped(sandbox: CodeSandbox, jobs: Sequence[Job]) -> list[Outcome]:
    """Runs jobs of equal programs as one, and each distinct call once; the sandbox sees to it that calls do not meet.

    Jobs whose calls may meet have their processes to themselves: only whole equals are one.

    Returns:
        One outcome per job, in order, as if each had run alone.
    """
    keys = [(replace(job, calls=()), job.calls if job.may_meet else ()) for job in jobs]
    calls_of: dict[tuple[Job, tuple[str, ...]], dict[str, None]] = {}
    for key, job in zip(keys, jobs, strict=True):
        calls_of.setdefault(key, {}).update(dict.fromkeys(job.calls))
    merged: list[tuple[tuple[Job, tuple[str, ...]], Job]] = []
    for key, calls in calls_of.items():
        for start in range(0, len(calls), _CALLS_TOGETHER):
            merged.append((key, replace(key[0], calls=tuple(calls)[start : start + _CALLS_TOGETHER])))
    outcomes: dict[tuple[Job, tuple[str, ...], str], CallOutcome] = {}
    for (key, job), outcome in zip(merged, sandbox.run([job for _, job in merged]), strict=True):
        outcomes |= {(*key, call): call_outcome for call, call_outcome in zip(job.calls, outcome.calls, strict=True)}
    return [Outcome.of([outcomes[*key, call] for call in job.calls]) for key, job in zip(keys, jobs, strict=True)]
