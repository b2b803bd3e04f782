"""The record of a source of problems: what it is, where it is from, and how its problems are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..tasks.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Problems by name. Making one reads nothing; `read` does, a row at a time.

    A benchmark's function returns one, with its facts; a file is one without.
    """

    name: str
    """Name in metrics and tables, such as `gsm8k`."""
    read: Callable[[], Iterator[Problem]]
    """Yields the problems in order, never none at all. Raises UsageError: the file is missing, or a row is wrong, with file and
    line."""
    verifier: str
    """Its verifier as text, see `selfplay_envs.verifiers.answers`."""
    prompt: str = "full"
    """Its usual prompt: a style, or a template with `{question}`."""
    rows: int = 0
    """Problems that it is known to have when it is whole, whatever `limit` says; 0: not known."""
    origin: str = ""
    """Where the rows are read: a path, or `hf:ID:config:split`."""
    file: str = ""
    """The path again, where `origin` is a local file: when that changes, its problems are read anew."""
    licence: str = ""
    url: str = ""
    """Where its facts were looked up."""
    paper: str = ""
    notes: str = ""
    """What its public harness counts differently, and the options that switch to that."""
