from __future__ import annotations

import pytest

from agents.core.errors import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("  one\ntwo"), "one"),
        (MemoryError(), "MemoryError"),
        (KeyError("\n"), "'\\n'"),
        (ValueError(" \n "), "ValueError"),
        (ValueError("x" * 300), "x" * 200),
    ],
)
def test_the_first_line_of_an_error_is_short_and_never_empty(error: Exception, line: str) -> None:
    assert first_line(error) == line
