"""The conformance suite: the promises of every registered game, as one function that game authors can call.

`selfplay check ID` prints it, `pytest --selfplay-game ID` runs it, and the test suite does so for several panel sizes.
"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..core.errors import GameError, SelfPlayError, UsageError
from ..names.options import parameters_of
from ..names.registration import game_spec, load_game, make_game, resolve_game_id
from . import promises
from .credits import credits_complete, credits_once
from .hash_seed import hash_seed_unread
from .moves import Moves
from .promises import Failure, Subject

NO_PETTINGZOO = "not installed; pip install 'selfplay[pettingzoo]' to check that view too"
PROMISES: tuple[Callable[[Subject], str], ...] = (
    promises.gymnasium_check,
    promises.spec_round_trip,
    promises.legal_moves,
    promises.slots_named,
    credits_complete,
    credits_once,
    promises.determinism,
    promises.judge_reads_only,
    promises.replays,
    promises.lanes_equal_sequence,
    promises.global_random_untouched,
    hash_seed_unread,
)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One promise: its name, whether it holds, and the details."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """One promise about one game, not yet checked."""

    promise: Callable[[Subject], str]
    subject: Subject

    @property
    def name(self) -> str:
        """The promise's name."""
        return self.promise.__name__

    def run(self) -> CheckResult:
        """Checks whether it holds; an error of the game is the reason why not, with the file and line of its author."""
        try:
            return CheckResult(self.name, True, self.promise(self.subject))
        except Failure as failure:
            return CheckResult(self.name, False, str(failure))
        except Exception as error:
            return CheckResult(self.name, False, where_and_what(error))


def panels(env_id: str, sizes: Iterable[int]) -> list[dict[str, Any]]:
    """The keywords that make a game with each panel size; once none, where the game has no keyword `attempts`."""
    game = load_game(str(game_spec(env_id).kwargs["game"]))
    return [{"attempts": size} for size in sizes] if "attempts" in parameters_of(game) else [{}]


def game_checks(
    env_id: str,
    *,
    seed: int = 0,
    pettingzoo: bool | None = None,
    moves: Mapping[str, Sequence[str]] | None = None,
    sandbox: str = "auto",
    judge: str = "rules",
    **kwargs: Any,
) -> list[Check]:
    """The checks of a game, in order, to be run one by one; arguments and errors as for `check_game`."""
    env_id = resolve_game_id(env_id)
    try:
        make_game(env_id, **kwargs)
    except (SelfPlayError, ValueError):
        raise
    except Exception as error:
        raise GameError(f"{env_id} cannot be made: {where_and_what(error)}") from error
    subject = Subject(env_id, kwargs, seed, Moves(seed, moves or {}), sandbox, judge)
    checked = PROMISES
    if pettingzoo or (pettingzoo is None and find_spec("pettingzoo") is not None):
        from .pettingzoo import pettingzoo_check

        checked = (*PROMISES, pettingzoo_check)
    return [Check(promise, subject) for promise in checked]


def check_game(env_id: str, *, pettingzoo: bool | None = None, **kwargs: Any) -> list[CheckResult]:
    """Runs every check on a registered id.

    Every check plays legal moves mixed with random text: those of the game's `sample_action`, or those of `moves`. Without
    either the check `legal_moves` fails, as the others then see little more than a first turn.

    Args:
        env_id: A registered game, or `module:ID`.
        pettingzoo: Whether to run PettingZoo's own tests; None runs them where it is installed.
        **kwargs: `seed` (seeds everything; the same seed gives the same checks), `moves` (texts by role, see
            `moves.read_moves`), `sandbox`, `judge`; the rest are keywords of the game, such as `attempts`.

    Returns:
        One result per check, in order; failures do not stop the later ones.

    Raises:
        UsageError: The id is not registered, or the game does not take a keyword.
        GameError: The game raises something unexpected as it is made.
    """
    results = [check.run() for check in game_checks(env_id, pettingzoo=pettingzoo, **kwargs)]
    if pettingzoo is None and find_spec("pettingzoo") is None:
        results.append(CheckResult("pettingzoo_check", True, NO_PETTINGZOO))
    return results


def where_and_what(error: Exception) -> str:
    """`mygames/chain.py:41: TypeError: ...`: the last line of an author's that an error passed, and its text.

    Lines of this package, of installed packages and of Python itself are no author's; without any other, the text alone.
    """
    paths = sysconfig.get_paths()
    foreign = [Path(__file__).parents[1], *(Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib"))]
    text = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_file() and not any(path.is_relative_to(folder) for folder in foreign):
            near = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            return f"{near}:{frame.lineno}: {text}"
    return text
