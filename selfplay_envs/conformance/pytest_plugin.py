"""The conformance suite under pytest: `pytest --selfplay-game my_module:Mine/Game-v0`, each check a test of its own.

Installed packages have it without doing anything (entry point `pytest11`). `--selfplay-game` may be given several times;
`-k legal_moves`, `-x` and the like choose among the checks as among any tests.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

from ..core.errors import SelfPlayError
from ..names.registration import game_spec, load_game, make_game, resolve_game_id
from .moves import read_moves
from .suite import Check, game_checks, panels


class ConformanceFailure(Exception):
    """A promise that a game does not keep; its text is the details."""


class GameCheckItem(pytest.Item):
    """One check of one game with one panel size."""

    def __init__(self, *, check: Check, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check

    def runtest(self) -> None:
        """Runs the check.

        Raises:
            ConformanceFailure: It does not hold.
        """
        result = self.check.run()
        if not result.ok:
            raise ConformanceFailure(result.detail)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The details, without our own lines."""
        if isinstance(excinfo.value, ConformanceFailure):
            return f"{self.check.name}: {excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file of the game, and the name of the check."""
        game = load_game(str(game_spec(self.check.subject.env_id).kwargs["game"]))
        return Path(inspect.getfile(game)), None, self.name


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the group `selfplay`."""
    group = parser.getgroup("selfplay", "conformance of self-play games")
    group.addoption(
        "--selfplay-game",
        action="append",
        default=[],
        metavar="ID",
        help="check this game: a registered id, or module:ID to import the module that registers it; may be repeated",
    )
    group.addoption("--selfplay-attempts", default="1,4", metavar="N,...", help="panel sizes to check (default: 1,4)")
    group.addoption("--selfplay-seed", type=int, default=0, metavar="N", help="seeds the checks (default: 0)")
    group.addoption(
        "--selfplay-moves",
        type=Path,
        default=None,
        metavar="FILE",
        help='legal moves of a game without sample_action, as JSON lines {"role": ROLE, "text": TEXT}',
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Adds one item per check, before `-k` and `-m` choose; modules in the current folder are found, as by `selfplay check`.

    Raises:
        UsageError: A game, a panel size or the file of moves is wrong (pytest's own, so that it prints one sentence).
    """
    chosen: Any = config.option
    if not chosen.selfplay_game:
        return
    sys.path.insert(0, str(config.invocation_params.dir))
    try:
        sizes = _sizes(chosen.selfplay_attempts)
        for game in chosen.selfplay_game:
            env_id = resolve_game_id(game, "game")
            moves = None if chosen.selfplay_moves is None else read_moves(chosen.selfplay_moves, make_game(env_id))
            for size in panels(env_id, sizes):
                for check in game_checks(env_id, seed=chosen.selfplay_seed, moves=moves, **size):
                    name = "".join([env_id, *(f"[{key}={value}]" for key, value in size.items()), "::", check.name])
                    items.append(GameCheckItem.from_parent(session, name=name, check=check))
    except (ValueError, SelfPlayError) as error:
        raise pytest.UsageError(f"--selfplay: {error}") from error


def _sizes(text: str) -> list[int]:
    try:
        return [int(size) for size in text.split(",")]
    except ValueError:
        raise ValueError(f"attempts={text!r} is not a list of panel sizes; write them as 1,4.") from None
