"""A terminal for tests: a console whose output is read, and lines that a person types."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=100, highlight=False), out


def typed(*lines: str) -> Callable[[str], str]:
    remaining = iter(lines)

    def read_line(prompt: str) -> str:
        for line in remaining:
            return line
        raise EOFError

    return read_line
