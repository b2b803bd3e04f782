"""What all verbs share in front of a terminal: a console, arguments read by tyro, ids that may name a module."""

from __future__ import annotations

import ast
import inspect
import logging
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import tyro
from docstring_parser import attrdoc
from rich.console import Console

T = TypeVar("T")

PIPE_WIDTH = 100
"""Columns of a table where the output is not a terminal and COLUMNS does not say."""


def make_console(*, stderr: bool = False) -> Console:
    """A console for the process's current output; in a pipe it is wide enough for the tables and has no colours."""
    stream = sys.stderr if stderr else sys.stdout
    wide = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, width=wide, highlight=False, soft_wrap=False)


def parse(command: type[T], verb: str, args: Sequence[str], default: T | None = None, about: str = "") -> T:
    """Arguments of a verb as the dataclass `command`, whose docstrings are its help, below what is said `about` the default.

    Raises:
        SystemExit: With 0 after `--help`, with 2 where an argument is wrong; both have printed what is to be said.
    """
    description = f"{about}\n\n{inspect.getdoc(command)}" if about else None
    with _whole_paragraphs():
        if default is None:
            return tyro.cli(command, args=list(args), prog=f"selfplay {verb}", description=description)
        return tyro.cli(command, args=list(args), prog=f"selfplay {verb}", default=default, description=description)


@contextmanager
def _whole_paragraphs() -> Generator[None]:
    """Help whose lines end where the terminal's do: tyro keeps those of the source below a field, and wraps each again."""
    read = attrdoc.ast_get_constant_value

    def joined(node: ast.AST) -> Any:
        value = read(node)
        return " ".join(value.split()) if isinstance(value, str) else value

    attrdoc.ast_get_constant_value = joined
    try:
        yield
    finally:
        attrdoc.ast_get_constant_value = read


def resolve_game(text: str) -> str:
    """The id named by `ID` or `module:ID`; the module, which may lie in the current folder, is imported and registers it.

    Raises:
        UsageError: The module does not import, or the id is not registered.
    """
    from selfplay_envs.registration import resolve_game_id  # late: `selfplay doctor` must run where this does not import

    import_from_here()
    return resolve_game_id(text, "game")


def name_game(text: str) -> str:
    """As `resolve_game`, but `module:` stays before the id, so that whoever reads it from a record can find the game too."""
    module, colon, _ = text.rpartition(":")
    return f"{module}{colon}{resolve_game(text)}"


def check_writable(path: Path, option: str) -> None:
    """Makes sure, before anything slow, that a file can be written or added to; leaves nothing behind.

    Raises:
        UsageError: It cannot.
    """
    from selfplay_envs import UsageError

    was_there = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        raise UsageError(
            f"{option}={str(path)!r} cannot be written ({error.strerror}); choose a file in a folder that is there and yours."
        ) from error
    if not was_there:
        path.unlink()


def import_from_here() -> None:
    """Lets modules in the current folder be imported, as `python -m` does."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def quiet_libraries() -> None:
    """Keeps progress bars of written checkpoints, and the retries of a hub that does not answer, out of the display."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


def take_value(args: Sequence[str], flag: str) -> tuple[str, list[str]]:
    """What is typed behind a flag, or after its `=`, and all other arguments; empty where it is not there.

    Raises:
        ValueError: Nothing stands behind it.
    """
    for place, one in enumerate(args):
        name, equals, value = one.partition("=")
        if name != flag:
            continue
        end = place + 1 if equals else place + 2
        value = value if equals else "".join(args[place + 1 : end])
        if not value or value.startswith("-"):
            raise ValueError(f"{flag} names nothing; type {flag} NAME.")
        return value, [*args[:place], *args[end:]]
    return "", list(args)


def join_options(args: Sequence[str]) -> list[str]:
    """All `--options` as one, of which the parser would keep the last; `NAME=VALUE` counts as `NAME VALUE`."""
    kept: list[str] = []
    settings: list[str] = []
    taking = False
    for one in args:
        if one.startswith("--"):
            taking = one == "--options"
            kept += [] if taking else [one]
        elif taking:
            is_name = len(settings) % 2 == 0
            settings += one.split("=", 1) if is_name else [one]
        else:
            kept.append(one)
    together = dict(zip(settings[::2], settings[1::2], strict=False))
    odd = settings[-1:] if len(settings) % 2 else []  # a name without its value: the parser says so
    flat = [*(part for pair in together.items() for part in pair), *odd]
    return [*kept, "--options", *flat] if settings else kept
