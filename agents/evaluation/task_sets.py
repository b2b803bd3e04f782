"""What an evaluation asks, as one list: tasks of games, and problems of benchmarks and other sources, each asked alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from selfplay_envs import UsageError
from selfplay_envs.core.messages import Slot
from selfplay_envs.names.registration import make_game
from selfplay_envs.sources.registry import open_source
from selfplay_envs.verifiers.answers.chat import FreeText
from selfplay_envs.verifiers.answers.table import find_answer_verifier

from ..config.game_keywords import with_style
from ..config.game_mix import RESERVED, GameMix
from ..config.run import EvalConfig
from ..rollouts.task_files import first_row
from ..tiny.problem_sets import NAMES
from .tasks import check_starts, env_ids_of, keywords_per_game, load_tasks, usual_wording

DATASET = "SelfPlay/Dataset-v0"
"""The game that asks the problems of a source."""
_OPTION = re.compile(r"\w+=")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSet:
    """Tasks of one game under one name."""

    name: str
    """In scores, rows and tables: the game's name in a run, its env id, or the source's name."""
    env_id: str
    kwargs: Mapping[str, Any]
    """Keywords of the game."""
    tasks: Iterable[Mapping[str, Any]]
    """Each fits `options={"task": ...}`; those of a source are read anew whenever one goes through them."""
    count: int
    """Number of tasks."""
    source: str = ""
    """The text of the source whose problems these are; empty: tasks of a game."""


@dataclass(frozen=True, slots=True)
class SourceTasks:
    """The problems of a source as tasks, read one at a time, so that memory does not grow with their number."""

    text: str
    verifier: str = ""
    columns: str = ""
    limit: int = 0
    """The first ones; 0: all."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Reads the source from its first row.

        Raises:
            UsageError: It cannot be read, or a row is wrong; names file and line.
        """
        problems = open_source(self.text, self.verifier, self.columns).read()
        return (problem.to_json() for problem in (islice(problems, self.limit) if self.limit else problems))


def task_sets(config: EvalConfig, games: Sequence[GameMix] = (), *, free_text: bool = False) -> list[TaskSet]:
    """The tasks that `EvalConfig.tasks` names, checked: every row is read, and every game starts with each of its tasks.

    Args:
        config: Names tasks and sources, and their limit.
        games: Of the run, whose names and keywords count; see `load_tasks` and `keywords_per_game`.
        free_text: Whether requests may be among them that no verifier can judge.

    Raises:
        AgentError: A task does not start its game, or a file is missing or empty.
        UsageError: A row is wrong, a source is not known, two have one name, or nothing can say what is right.
    """
    sets: list[TaskSet] = []
    for text in split_sources(config.tasks):
        if text in ("none", *NAMES) or _holds_tasks(text):
            sets += _sets_of_games(text, games, config.limit)
        else:
            sets.append(_set_of_source(text, config, games))
            if not free_text:
                _check_verified(text, config)
    names = [one.name for one in sets]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"evaluation.tasks={config.tasks!r} names {name} twice; measure one after the other.")
        if name in RESERVED:
            raise UsageError(f"evaluation.tasks={config.tasks!r}: scores called {name!r} are of all tasks; rename the file.")
    return sets


def split_sources(text: str) -> list[str]:
    """`gsm8k:path=a.jsonl,limit=9,humaneval` as two texts, of which the second is `humaneval`: options belong to what precedes.

    Raises:
        UsageError: It begins with an option.
    """
    sources: list[str] = []
    for piece in filter(None, text.split(",")):
        if not _OPTION.match(piece):
            sources.append(piece)
        elif sources:
            sources[-1] += ("," if ":" in sources[-1] else ":") + piece
        else:
            raise UsageError(f"evaluation.tasks={text!r} begins with an option; a name comes first, as in gsm8k:{piece}.")
    return sources


def worded(one: TaskSet, style: str) -> TaskSet:
    """The tasks in that wording, where their game has it."""
    return replace(one, kwargs=with_style(style, one.env_id, one.kwargs))


def _check_verified(text: str, config: EvalConfig) -> None:
    """Refuses requests that only a judge could compare answers to."""
    source = open_source(text, config.verifier, config.columns)
    if isinstance(find_answer_verifier(source.verifier), FreeText):
        raise UsageError(
            f"source={text!r}: no answer to its requests is right or wrong; compare those of two models by selfplay eval MODEL "
            f"--benchmark {text} --against MODEL|FILE --judge JUDGE."
        )


def _holds_tasks(text: str) -> bool:
    """Whether a text names a file of tasks of games, and not of rows of a source; `load_tasks` says what is wrong with it."""
    path = Path(text)
    if path.suffix != ".jsonl":
        return False
    if not path.is_file():
        return ":" not in text  # else a source whose options end with a file, as in gsm8k:path=a.jsonl
    row = first_row(path)
    return not isinstance(row, dict) or "env_id" in row


def _sets_of_games(text: str, games: Sequence[GameMix], limit: int) -> list[TaskSet]:
    tasks = load_tasks(text, games)
    check_starts(tasks, games)
    kwargs, env_ids = keywords_per_game(tasks, games), env_ids_of(games)
    chosen = {name: of_game[:limit] if limit else of_game for name, of_game in tasks.items()}
    return [
        TaskSet(name=name, env_id=env_ids.get(name, name), kwargs=kwargs[name], tasks=of_game, count=len(of_game))
        for name, of_game in chosen.items()
    ]


def _set_of_source(text: str, config: EvalConfig, games: Sequence[GameMix]) -> TaskSet:
    given = {"source": text, "verifier": config.verifier, "columns": config.columns, "prompt": config.prompt}
    kwargs = {name: value for name, value in given.items() if value}
    if not config.prompt:
        kwargs = with_style(usual_wording(games), DATASET, kwargs)
    tasks = SourceTasks(text, config.verifier, config.columns, config.limit)
    game, count = make_game(DATASET, **kwargs, attempts=1), 0
    for task in tasks:
        game.reset(np.random.default_rng(0), {"task": task})
        game.prompt(Slot("solver", 0, 0))  # a template may show a field that the problem lacks
        count += 1
    if not count:
        raise UsageError(f"source={text!r} has no problem; see its file, its split and its limit.")
    name = open_source(text, config.verifier, config.columns).name
    return TaskSet(name=name, env_id=DATASET, kwargs=kwargs, tasks=tasks, count=count, source=text)
