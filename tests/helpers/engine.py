"""What tests of Docker need."""

from __future__ import annotations

import os

import pytest

from sandboxes import docker_available


def need_docker() -> None:
    """Skips the test, with the reason, where no engine answers; fails it where continuous integration demands one."""
    reason = docker_available(20.0)  # a busy engine is there all the same
    if reason is not None and os.environ.get("SELFPLAY_REQUIRE_DOCKER") == "1":
        pytest.fail(f"SELFPLAY_REQUIRE_DOCKER=1, but: {reason}")
    if reason is not None:
        pytest.skip(reason)
