"""The tasks of an evaluation: the tiny model's held-out programs, or a file of one's own with rows of any registered game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from selfplay_envs import Match, Start, UsageError, read_azr_tasks
from selfplay_envs.json_lines import read_json_lines
from selfplay_envs.registration import game_spec, load_game, make_game, resolve_game_id

from .config import GameMix
from .errors import AgentError
from .game_keywords import ask_in, keywords_of

ROW = '{"env_id": ..., "task": {...}}'


def load_tasks(name: str, games: Sequence[GameMix] = ()) -> dict[str, list[dict[str, Any]]]:
    """Evaluation tasks by `EvalConfig.tasks`.

    Args:
        name: `none`, `tiny`, or a `.jsonl` file of {"env_id": ..., "task": {...}} rows, whose games need only be registered;
            an `env_id` of the form `module:ID` imports the module that registers it.
        games: Of `tiny`, only the tasks of these games; empty: all. A file means what it says: none of its rows is left out.

    Returns:
        Tasks by registered id.

    Raises:
        AgentError: The file is missing or empty.
        UsageError: A row is no task, or of a game that is not registered or has no role that answers; says which row.
    """
    if name == "none":
        return {}
    if name != "tiny":
        return _file_tasks(Path(name))
    wanted = {resolve_game_id(mix.env_id) for mix in games}
    return {env_id: tasks for env_id, tasks in _tiny_tasks().items() if not wanted or env_id in wanted}


def asked_with(tasks: Mapping[str, Any], games: Sequence[GameMix], style: str = "") -> dict[str, dict[str, Any]]:
    """The keywords that each game of `tasks` is asked with.

    A game of the run has those of the run. Any other has its own defaults, in the wording of the run's games.

    Args:
        tasks: By registered id.
        games: Of the run.
        style: The wording of all, `full` or `terse`; empty: as said above.
    """
    known = {resolve_game_id(mix.env_id): dict(mix.kwargs) for mix in games}
    usual = next((str(kwargs["style"]) for kwargs in known.values() if "style" in kwargs), "")
    found: dict[str, dict[str, Any]] = {}
    for env_id in tasks:
        kwargs = known.get(env_id, {})
        wording = style or ("" if env_id in known else usual)
        found[env_id] = ask_in(wording, env_id, kwargs) if wording else kwargs
    return found


def check_starts(tasks: Mapping[str, Sequence[Mapping[str, Any]]], games: Sequence[GameMix]) -> None:
    """Lets every task start its game, and nobody speak: what a game does not understand is said before anything is loaded.

    Args:
        tasks: By registered id.
        games: Of the run, whose keywords count.

    Raises:
        AgentError: A task does not start, or makes no difference to who begins and what they are shown; or a game has no
            panel, whose size is that of the samples.
    """
    for env_id, kwargs in asked_with(tasks, games).items():
        game = make_game(env_id, **kwargs)
        if "attempts" not in keywords_of(env_id):
            raise AgentError(f"{env_id} has no keyword 'attempts', which sets the samples of a problem; hand it on to Game.")
        for number, task in enumerate(tasks[env_id], 1):
            said = f"evaluation.tasks: task {number} of {env_id}, {dict(task)!r:.60},"
            try:
                began = Match(Start(env_id, 0, kwargs, {"task": task}), game).waiting
                unread = (
                    not any(slot.role in game.answers for slot in began) and began == Match(Start(env_id, 0, kwargs)).waiting
                )
            except Exception as error:  # the game's own sentence, or its slip over a task that it did not expect
                reason = str(error) if isinstance(error, UsageError | AgentError) else f"{type(error).__name__}: {error}"
                raise AgentError(f"{said} does not start the game: {reason}") from error
            if unread:
                raise AgentError(f"{said} is not read: the game begins as it does without; see what its reset takes.")


def _tiny_tasks() -> dict[str, list[dict[str, Any]]]:
    """The tiny model's held-out programs: as pairs for deduction and abduction, as problems for induction."""
    folder = Path(__file__).parent / "tiny"
    pairs = [task.to_json() for task in read_azr_tasks(folder / "heldout_triplets.jsonl")]
    problems = [task.to_json() for task in read_azr_tasks(folder / "heldout_induction.jsonl")]
    return {"SelfPlay/Deduction-v0": pairs, "SelfPlay/Abduction-v0": pairs, "SelfPlay/Induction-v0": problems}


def _file_tasks(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.is_file():
        raise AgentError(f"evaluation.tasks={str(path)!r} is not a file; pass none, tiny, or a .jsonl file of {ROW} lines.")
    found: dict[str, list[dict[str, Any]]] = {}
    answered = cache(_answered)

    def read(row: Any) -> tuple[str, dict[str, Any]]:
        return answered(row["env_id"]), dict(row["task"])

    for env_id, task in read_json_lines(path, read, f"a task line; write {ROW}"):
        found.setdefault(env_id, []).append(task)
    if not found:
        raise AgentError(f"evaluation.tasks={str(path)!r} holds no task; write {ROW} lines.")
    return found


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
