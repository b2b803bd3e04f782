"""Which jobs the fast engine is sent at all."""

from __future__ import annotations

from dataclasses import replace

from sandboxes import Job
from sandboxes.monty.engine import make_request


def test_a_job_with_packages_is_never_for_the_engine() -> None:
    job = Job(program="def f(x):\n    return x + 1", calls=("1",))
    assert make_request(job) is not None
    assert make_request(replace(job, packages=("sympy",))) is None
