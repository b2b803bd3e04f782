"""Arguments of a verb read by tyro into its dataclass, and the few that are read before tyro sees them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import tyro
from docstring_parser import attrdoc

T = TypeVar("T")


def parse(command: type[T], verb: str, args: Sequence[str], default: T | None = None, about: str = "") -> T:
    """Arguments of a verb as the dataclass `command`, whose docstrings are its help.

    Args:
        command: The dataclass.
        verb: As it is typed behind `selfplay`.
        args: What is typed behind the verb.
        default: Values of what is not typed.
        about: Text above the dataclass's docstring in the help.

    Raises:
        SystemExit: With 0 after `--help`, with 2 where an argument is wrong; the help or the error is printed by then.
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


def find_value(args: Sequence[str], flag: str) -> str:
    """The value typed behind a flag, read before tyro; empty where the flag is not there."""
    for index, argument in enumerate(args):
        name, equals, value = argument.partition("=")
        if name == flag:
            return value if equals else "".join(args[index + 1 : index + 2])
    return ""


def take_value(args: Sequence[str], flag: str) -> tuple[str, list[str]]:
    """The value typed behind a flag, or after its `=`, and all other arguments; empty where the flag is not there.

    Raises:
        ValueError: Nothing stands behind it.
    """
    for index, argument in enumerate(args):
        name, equals, value = argument.partition("=")
        if name != flag:
            continue
        end = index + 1 if equals else index + 2
        value = value if equals else "".join(args[index + 1 : end])
        if not value or value.startswith("-"):
            raise ValueError(f"{flag} names nothing; type {flag} NAME.")
        return value, [*args[:index], *args[end:]]
    return "", list(args)


def join_options(args: Sequence[str]) -> list[str]:
    """All `--options` as one, of which tyro would keep the last; `NAME=VALUE` counts as `NAME VALUE`."""
    others: list[str] = []
    settings: list[str] = []
    taking = False
    for argument in args:
        if argument.startswith("--"):
            taking = argument == "--options"
            others += [] if taking else [argument]
        elif taking:
            is_name = len(settings) % 2 == 0
            settings += argument.split("=", 1) if is_name else [argument]
        else:
            others.append(argument)
    together = dict(zip(settings[::2], settings[1::2], strict=False))
    without_value = settings[-1:] if len(settings) % 2 else []  # tyro refuses it
    flat = [*(part for pair in together.items() for part in pair), *without_value]
    return [*others, "--options", *flat] if settings else others


def check_writable(path: Path, option: str) -> None:
    """Makes sure, before anything slow, that a file can be written or added to; leaves nothing behind.

    Raises:
        UsageError: It cannot.
    """
    from selfplay_envs import UsageError  # late: `selfplay doctor` must run where this does not import

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
