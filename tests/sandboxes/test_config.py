"""Sandboxes as text: what is understood, and what is refused in one sentence."""

from __future__ import annotations

import re

import pytest

from sandboxes import SandboxConfig


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("docker:cpus=2", "'cpus=2' is not understood; known are workers=N"),
        ("docker:workers=two", "'workers=two' is not understood"),
        ("docker:engine=pypy", "engine='pypy' is not known; choose one of cpython, auto"),
        ("podman", "Unknown sandbox 'podman'"),
        ("docker:image=a,with=numpy", "brings its own packages"),
    ],
)
def test_what_is_not_understood_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        SandboxConfig.parse(text)
