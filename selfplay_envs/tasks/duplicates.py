"""When a proposal counts as a duplicate: two tasks with the same key are the same task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.game import Game
from ..core.hashing import short_hash
from ..core.records import Episode
from .programs import program_key


def task_key(task: Mapping[str, Any]) -> str:
    """The key that makes a task new: its program's syntax tree, or its content where it has no program."""
    program = task.get("program")
    return program_key(program) if isinstance(program, str) else short_hash(dict(task))


def pair_key(task: Mapping[str, Any]) -> str:
    """`task_key` together with the inputs: for games whose programs are given, such as induction."""
    return short_hash([task_key(task), list(task.get("inputs", ()))])


def proposal_key(game: Game, task: Mapping[str, Any]) -> str:
    """What makes a proposal of a game new, as the game says, or as `task_key` where it says nothing."""
    return game.proposal_key(task) or task_key(task)


def recorded_proposal_key(episode: Episode) -> str:
    """What makes the task new that an episode proposed; records of before hold no key, and their games' rules stand here."""
    if episode.proposal_key or episode.proposed is None:
        return episode.proposal_key
    given = episode.messages[0].task_type == "induction"  # of the built-in games, the one whose program is given
    return pair_key(episode.proposed) if given else task_key(episode.proposed)
