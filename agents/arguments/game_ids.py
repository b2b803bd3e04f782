"""Ids of games as they are typed, which may name a module of the current folder."""

from __future__ import annotations

import sys
from pathlib import Path


def allow_local_modules() -> None:
    """Lets modules in the current folder be imported, as `python -m` does."""
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)


def resolve_game(text: str) -> str:
    """The id named by `ID` or `module:ID`; the module, which may lie in the current folder, is imported and registers it.

    Raises:
        UsageError: The module does not import, or the id is not registered.
    """
    from selfplay_envs.names.registration import resolve_game_id  # late: `selfplay doctor` must run where this does not import

    allow_local_modules()
    return resolve_game_id(text, "game")


def full_game_id(text: str) -> str:
    """As `resolve_game`, but `module:` stays before the id, so that whoever reads it from a record can find the game too."""
    module, colon, _ = text.rpartition(":")
    return f"{module}{colon}{resolve_game(text)}"
