"""The fixed tasks of a run's games: where they are read, which are left out as held out, and the order of their epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from selfplay_envs import Game, UsageError, make_game
from selfplay_envs.games.code.base import CodeGame
from selfplay_envs.games.dataset.dataset import Dataset
from selfplay_envs.games.questions.instruction import InstructionChallenge
from selfplay_envs.names.registration import resolve_game_id
from selfplay_envs.sources.registry import file_of, open_source, problems_of
from selfplay_envs.verifiers.answers.table import find_answer_verifier

from ..config.game_mix import GameMix
from ..core.errors import AgentError
from ..core.seeding import generator_of
from .held_out import Task, excluded_by_name, excluded_tiny, overlap, shared_name
from .task_files import ROW, is_task_file, read_task_file

CODE_TYPES = ("deduction", "abduction", "induction")
"""Task types whose tasks are code tasks; verifiers of the same names read rows as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GameTasks:
    """The fixed tasks of one game of a run."""

    tasks: Sequence[Task] = ()
    """Those that may train, in the order of their source."""
    left_out: int = 0
    """Those that do not, as they are held out."""
    unshown: int = 0
    """Those that do not, as they hold a text that the model reads as a special token."""
    shared: int = 0
    """Different programs of `tasks` that the run's evaluation asks about too."""
    names: frozenset[str] = frozenset()
    """What they are about, as `shared_name` says."""
    excluded: Callable[[Task], bool] | None = None
    """Whether a task is held out from this game; None: none is."""


def tasks_of(mix: GameMix, evaluation: Mapping[str, Sequence[Task]] | None = None) -> GameTasks:
    """Reads the fixed tasks of a game, each of which its game can start with.

    Args:
        mix: The game.
        evaluation: Tasks of the run's evaluation, by game.

    Raises:
        UsageError: A source or one of its rows is wrong; names it.
        AgentError: The game cannot start with a task, none is left, or fewer are there than the buffer is to begin with.
    """
    game = make_game(mix.env_id, **mix.kwargs)
    if mix.fresh and mix.exclude != "none" and isinstance(game, Dataset):
        raise AgentError(
            f"GameMix.fresh={mix.fresh} of {mix.env_id} draws from all of its source, those that exclude={mix.exclude!r} holds "
            "out too; choose fresh=0 (--fresh 0), which plays the others in shuffled epochs, or exclude='none'."
        )
    asked = {name: {shared_name(task, game) for task in tasks} for name, tasks in (evaluation or {}).items()}
    excluded = _exclusion(mix, game, frozenset[str]().union(*asked.values()))
    if not mix.task_source:
        return GameTasks(excluded=excluded)
    tasks = _read(mix, mix.task_source, game)
    _check_starts(mix, game, tasks)
    kept = tasks if excluded is None else [task for task in tasks if not excluded(task)]
    if len(kept) < max(1, mix.seeds):
        raise AgentError(
            f"GameMix.tasks={mix.task_source!r} of {mix.env_id}: {len(kept)} tasks are left, {len(tasks) - len(kept)} being "
            f"held out (exclude={mix.exclude!r}), and {max(1, mix.seeds)} are needed; give more, or lower seeds."
        )
    names = [shared_name(task, game) for task in kept]
    shared = overlap({mix.game_name: names}, asked)[mix.game_name]
    return GameTasks(tasks=kept, left_out=len(tasks) - len(kept), shared=shared, names=frozenset(names), excluded=excluded)


def shown_tasks(mix: GameMix, fixed: GameTasks, can_be_shown: Callable[[Task], bool]) -> GameTasks:
    """The fixed tasks of a game without those that its players cannot be shown as they are.

    Args:
        mix: The game.
        fixed: Its tasks.
        can_be_shown: As `Referee.can_be_shown`.

    Raises:
        AgentError: None is left, or fewer than the buffer is to begin with.
    """
    kept = [task for task in fixed.tasks if can_be_shown(task)]
    unshown = len(fixed.tasks) - len(kept)
    if unshown and len(kept) < max(1, mix.seeds):
        raise AgentError(
            f"GameMix.tasks={mix.task_source!r} of {mix.env_id}: {len(kept)} tasks are left, {unshown} holding a text that the "
            f"model's tokenizer reads as a special token, and {max(1, mix.seeds)} are needed; take that text out of them."
        )
    return replace(fixed, tasks=kept, unshown=unshown) if unshown else fixed


def places_of_step(seed: int, name: str, size: int, first: int, count: int) -> list[int]:
    """Places in a set of `size` tasks of the draws `first` to `first + count`: shuffled epochs, every task once in each.

    A pure function of its arguments, so that a run that resumes goes on in the same order.

    Args:
        seed: Of the run.
        name: Of the game.
        size: Tasks in the set.
        first: Draws before these.
        count: Draws.
    """
    return [int(_order(seed, name, draw // size, size)[draw % size]) for draw in range(first, first + count)]


@lru_cache(maxsize=64)
def _order(seed: int, name: str, epoch: int, size: int) -> np.ndarray:
    """The order of one epoch."""
    return generator_of(seed, "tasks", name, epoch).permutation(size)


def _exclusion(mix: GameMix, game: Game, asked: frozenset[str]) -> Callable[[Task], bool] | None:
    """The test of `GameMix.exclude`; `asked` are the names of the evaluation's tasks."""
    if mix.exclude == "none":
        return None
    if mix.exclude == "tiny":
        return excluded_tiny
    if mix.exclude == "evaluation":
        return excluded_by_name(asked, game)
    return excluded_by_name({shared_name(task, game) for task in _read_held_out(mix, game)}, game)


def _read(mix: GameMix, text: str, game: Game) -> list[Task]:
    """The tasks that a text names, as the game takes them."""
    if is_task_file(Path(text)):
        return _of_file(Path(text), mix)
    if isinstance(game, CodeGame) and game.task_type in CODE_TYPES:
        if text == "tiny":
            from ..tiny.training_tasks import training_tasks

            return [*training_tasks(game.task_type)]
        source = open_source(text, game.task_type if _is_rows(text) else "")
        if (poses := find_answer_verifier(source.verifier).poses) != game.task_type:
            raise UsageError(f"GameMix.tasks={text!r} of {mix.env_id}: its problems are of {poses}, not of {game.task_type}.")
        return [problem.data for problem in problems_of(source)]
    if isinstance(game, InstructionChallenge):
        return _instructions(text)
    if isinstance(game, Dataset):
        source = open_source(text, str(mix.kwargs.get("verifier", "")), str(mix.kwargs.get("columns", "")))
        judge = str(mix.kwargs.get("verifier", "")) or source.verifier
        if find_answer_verifier(judge) is not game.verifier:
            raise UsageError(
                f"GameMix.tasks={text!r} of {mix.env_id}: its answers are judged by {judge!r} and the game judges otherwise; "
                f"give the game the keyword source={text} and leave tasks out."
            )
        return [problem.to_json() for problem in problems_of(source)]
    raise UsageError(f"GameMix.tasks={text!r} of {mix.env_id}: this game's tasks are read of a .jsonl file of {ROW} lines.")


def _instructions(text: str) -> list[Task]:
    """Instructions for the instruction challenge: the tiny model's own, or the questions of a source."""
    if text == "tiny":
        from ..tiny.instructions import training_instructions

        return [*training_instructions()]
    source = open_source(text, "free-text" if _is_rows(text) and "verifier=" not in text else "")
    return [{"instruction": problem.fields["question"]} for problem in problems_of(source)]


def _read_held_out(mix: GameMix, game: Game) -> list[Task]:
    """The tasks that `exclude` names: those of its own form, else the problems of a benchmark."""
    if is_task_file(Path(mix.exclude)):
        return _of_file(Path(mix.exclude))
    if _is_rows(mix.exclude):
        return _read(mix, mix.exclude, game)
    return [problem.to_json() for problem in problems_of(open_source(mix.exclude))]


def _is_rows(text: str) -> bool:
    """Whether a text names rows that say nothing of how they are judged: a file, or a set of the hub."""
    return bool(file_of(text)) or text.startswith("hf:")


def _of_file(path: Path, mix: GameMix | None = None) -> list[Task]:
    """The tasks of a file, of the mix's game alone where one is given."""
    wanted = None if mix is None else resolve_game_id(mix.env_id)
    return [task for env_id, task in read_task_file(path) if wanted is None or resolve_game_id(env_id) == wanted]


def _check_starts(mix: GameMix, game: Game, tasks: Sequence[Task]) -> None:
    """Resets the game with every task, and asks it as the players will be asked: a template may show what one task lacks."""
    rng = np.random.default_rng(0)
    for number, task in enumerate(tasks, 1):
        try:
            game.reset(rng, {"task": task})
            for slot in game.pending()[:1]:  # a panel is asked alike
                game.prompt(slot)
        except Exception as error:  # the game's own sentence, or its slip over a task that it did not expect
            reason = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
            raise AgentError(
                f"GameMix.tasks={mix.task_source!r} of {mix.env_id}: task {number}, {dict(task)!r:.60}, does not start the "
                f"game: {reason}"
            ) from error
