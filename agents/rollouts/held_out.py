"""Training and held-out tasks kept apart by program: what two tasks share, and how many share it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from selfplay_envs import Game
from selfplay_envs.core.hashing import short_hash
from selfplay_envs.tasks.duplicates import proposal_key
from selfplay_envs.tasks.programs import program_key

Task = Mapping[str, Any]
_key = lru_cache(maxsize=1 << 16)(program_key)  # games share their programs


def shared_name(task: Task, game: Game) -> str:
    """What two tasks have in common that are about the same thing, whatever their games ask of it.

    The syntax tree of the program, wherever the task holds it; else the question; else the game's own key.

    Args:
        task: Of a game, or a problem as JSON.
        game: Whose key decides where neither a program nor a question is found.
    """
    program = program_of(task)
    if program is not None:
        return _key(program)
    fields = task.get("fields")
    question = fields.get("question") if isinstance(fields, Mapping) else None
    return short_hash(question.split()) if isinstance(question, str) else proposal_key(game, task)


def program_of(task: Task) -> str | None:
    """The program of a task, or of a problem's fields or data; None where there is none."""
    for part in (task, task.get("fields"), task.get("data")):
        program = part.get("program") if isinstance(part, Mapping) else None
        if isinstance(program, str):
            return program
    return None


def overlap(train: Mapping[str, Iterable[str]], held_out: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many different names of each training set are among those of any held-out set.

    Args:
        train: Names of tasks, as of `shared_name`, by game.
        held_out: The same of held-out problems.
    """
    known = {name for names in held_out.values() for name in names}
    return {game: len(set(names) & known) for game, names in train.items()}


def excluded_by_name(names: Collection[str], game: Game) -> Callable[[Task], bool]:
    """Whether a task shares its name with one of `names`."""
    return lambda task: shared_name(task, game) in names


def excluded_tiny(task: Task) -> bool:
    """Whether the task's program is of the held-out share of the tiny model's, or its instruction a held-out combination."""
    from ..tiny.instructions import is_held_out_instruction
    from ..tiny.programs import is_held_out_key

    if isinstance(instruction := task.get("instruction"), str):
        return is_held_out_instruction(instruction)
    program = program_of(task)
    return program is not None and is_held_out_key(_key(program))
