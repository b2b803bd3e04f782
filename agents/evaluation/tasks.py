"""Tasks of games to measure: a problem set of the tiny model, or a file with rows of any registered game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from selfplay_envs import Match, Start, UsageError
from selfplay_envs.names.registration import game_spec, load_game, make_game, resolve_game_id

from ..config.game_keywords import keywords_of, with_style, wording_keyword
from ..config.run import GameMix
from ..core.errors import AgentError
from ..rollouts.task_files import ROW, read_task_file
from ..tiny.problem_sets import NAMES, problem_set


def load_tasks(name: str, games: Sequence[GameMix] = ()) -> dict[str, list[dict[str, Any]]]:
    """Evaluation tasks by `EvalConfig.tasks`.

    Args:
        name: `none`, a problem set of the tiny model, or a `.jsonl` file of {"env_id": ..., "task": {...}} rows, whose games
            need only be registered; an `env_id` of the form `module:ID` imports the module that registers it.
        games: Of such a set, only the tasks of these games; empty: all. A file means what it says: none of its rows is left
            out.

    Returns:
        Tasks by game: under the name of each of `games`, or under its registered id where it has none.

    Raises:
        AgentError: The file is missing or empty.
        UsageError: A row is no task, or of a game that is not registered or has no role that answers; says which row.
    """
    if name == "none":
        return {}
    tasks = problem_set(name) if name in NAMES else _file_tasks(Path(name))
    env_ids = env_ids_of(games)
    if name in NAMES and games:
        tasks = {env_id: tasks[env_id] for env_id in tasks if env_id in env_ids.values()}
    names = {env_id: [name for name in env_ids if env_ids[name] == env_id] or [env_id] for env_id in tasks}
    return {name: tasks[env_id] for env_id in tasks for name in names[env_id]}


def env_ids_of(games: Sequence[GameMix]) -> dict[str, str]:
    """The registered id of every game of a run, by its name, or by that id where it has none."""
    ids = [(mix.name, resolve_game_id(mix.env_id)) for mix in games]
    return {name or env_id: env_id for name, env_id in ids}


def keywords_per_game(
    tasks: Mapping[str, Any], games: Sequence[GameMix], style: str = "", env_ids: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    """Keywords of each game of `tasks`.

    A game of the run has those of the run. Any other has its own defaults, in the wording of the run's games.

    Args:
        tasks: By game, as `load_tasks` returns them.
        games: Of the run.
        style: The wording of all, `full` or `terse`; empty: as said above.
        env_ids: The registered ids of the games in `tasks`, where those are of another run than `games`.
    """
    ids = env_ids_of(games) if env_ids is None else env_ids
    known: dict[str, dict[str, Any]] = {}
    for mix in games:
        for name in (mix.game_name, resolve_game_id(mix.env_id)):
            known.setdefault(name, dict(mix.kwargs))
    usual = usual_wording(games)
    keywords: dict[str, dict[str, Any]] = {}
    for name in tasks:
        env_id = ids.get(name, name)
        kwargs = known.get(name, known.get(env_id))
        wording = style or ("" if kwargs is not None else usual)
        keywords[name] = with_style(wording, env_id, kwargs or {}) if wording else kwargs or {}
    return keywords


def usual_wording(games: Sequence[GameMix]) -> str:
    """The wording of the first of a run's games that names one; empty: none does."""
    named = ((mix.kwargs, wording_keyword(mix.env_id)) for mix in games)
    return next((str(kwargs[keyword]) for kwargs, keyword in named if kwargs.get(keyword)), "")


def check_starts(tasks: Mapping[str, Sequence[Mapping[str, Any]]], games: Sequence[GameMix]) -> None:
    """Starts every task's game, without a reply: a task that its game does not understand is refused before anything is loaded.

    Args:
        tasks: By game, as `load_tasks` returns them.
        games: Of the run, whose keywords count.

    Raises:
        AgentError: A task does not start, or makes no difference to who begins and what they are shown; or a game has no
            panel, whose size is that of the samples.
    """
    env_ids = env_ids_of(games)
    for name, kwargs in keywords_per_game(tasks, games).items():
        env_id = env_ids.get(name, name)
        game = make_game(env_id, **kwargs)
        if "attempts" not in keywords_of(env_id):
            raise AgentError(f"{env_id} has no keyword 'attempts', which sets the samples of a problem; hand it on to Game.")
        for number, task in enumerate(tasks[name], 1):
            where = f"evaluation.tasks: task {number} of {name}, {dict(task)!r:.60},"
            try:
                began = Match(Start(env_id, 0, kwargs, {"task": task}), game).waiting
                unread = (
                    not any(slot.role in game.answers for slot in began) and began == Match(Start(env_id, 0, kwargs)).waiting
                )
            except Exception as error:  # the game's own sentence, or its slip over a task that it did not expect
                reason = str(error) if isinstance(error, UsageError | AgentError) else f"{type(error).__name__}: {error}"
                raise AgentError(f"{where} does not start the game: {reason}") from error
            if unread:
                raise AgentError(f"{where} is not read: the game begins as it does without; see what its reset takes.")


def _file_tasks(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The tasks of a file, by registered id."""
    if not path.is_file():
        raise AgentError(
            f"evaluation.tasks={str(path)!r} is not a file; pass none, {', '.join(NAMES)}, or a .jsonl file of {ROW} lines."
        )
    tasks: dict[str, list[dict[str, Any]]] = {}
    for env_id, task in read_task_file(path, cache(_answered)):
        tasks.setdefault(env_id, []).append(dict(task))
    if not tasks:
        raise AgentError(f"evaluation.tasks={str(path)!r} holds no task; write {ROW} lines.")
    return tasks


def _answered(named: str) -> str:
    """The registered id of a game whose tasks can be right or wrong.

    Raises:
        UsageError: It is not registered, or none of its roles answers a task.
    """
    env_id = resolve_game_id(named)
    check_answers(env_id)
    return env_id


def check_answers(env_id: str) -> tuple[str, ...]:
    """The roles of a game that answer a task.

    Raises:
        UsageError: There are none.
    """
    game = load_game(str(game_spec(env_id).kwargs["game"]))
    if not game.answers:
        raise UsageError(
            f"{env_id} has no role that answers a task (its roles are {', '.join(game.roles)}), so that nothing in it is right "
            "or wrong; leave it out of the evaluation, or say in its class which roles answer: answers = (...)."
        )
    return game.answers
