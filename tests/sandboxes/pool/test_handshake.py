"""The handshake: a worker that fails the canary job is not used."""

from __future__ import annotations

import pytest

from sandboxes import CallOutcome, Job, SandboxUnavailable, Status
from sandboxes.backends.process import ProcessLauncher
from sandboxes.pool.sandbox import PooledSandbox

ADD = "def f(a, b=1):\n    return a + b"


def test_a_worker_that_fails_the_canary_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandboxes.pool.handshake._CANARY_OUTCOME", CallOutcome(status=Status.OK, value="another"))
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:
        with pytest.raises(SandboxUnavailable, match=r"canary job with .*; `sandboxes.describe\(\)` tells what is missing"):
            sandbox.run([Job(program=ADD, calls=("1",))])
    finally:
        sandbox.close()
