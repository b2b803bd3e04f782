"""Checks of a run before anything slow, loaded or written: its names, its roles, and whether it can train."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sandboxes import SandboxConfig
from selfplay_envs.core.game import Game
from selfplay_envs.core.judging import SELF
from selfplay_envs.judges.registry import JUDGES, check_judge
from selfplay_envs.names.registration import make_game, short_name
from selfplay_envs.rewards.shapers import Shaper, find_shaper

from ..config.role_schedule import Schedule, check_roles
from ..config.run import TrainConfig
from ..config.sampler import SAMPLERS, check_engine, parse_sampler
from ..evaluation.task_sets import task_sets
from ..rollouts.fixed_tasks import GameTasks, tasks_of
from .gold_checks import check_gold, tasks_notice

if TYPE_CHECKING:
    from ..algorithms.algorithm import Algorithm

BY_TASK = frozenset({"prompt", "query", "task"})
"""Groupings under which a panel is a group, and an answer without others is alone in it."""
LEAST_RATE = 1e-5
"""Learning rate of adapters from which bfloat16 shows what they learn: of ten steps with less, little is left by rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The things that a config names."""

    algorithm: Algorithm
    """With the run's settings."""
    shapers: Sequence[Shaper]
    schedule: Schedule
    games: Mapping[str, Game]
    """Games by name, or by the env id that the config gives."""
    tasks: Mapping[str, GameTasks] = field(default_factory=dict[str, GameTasks])
    """Their fixed tasks, and what is held out from them."""

    @property
    def roles(self) -> frozenset[str]:
        """Every role of the games."""
        return frozenset(role for game in self.games.values() for role in game.roles)


def check_run(config: TrainConfig, *, read_tasks: bool = True) -> Parts:
    """The parts that a config names, each of them known and all of them fit for one another.

    Args:
        config: Of the run.
        read_tasks: Read the fixed tasks and those of the evaluation too, which may lie on a hub.

    Raises:
        ValueError: A name, an option or a keyword is not known or wrong, or nobody could ever train.
        SandboxUnavailable: The text of the sandbox is wrong.
        AgentError: The tasks of the evaluation are missing, or one does not start its game.
    """
    from ..algorithms.table import find_algorithm  # late, as it loads torch

    algorithm = find_algorithm(config.algorithm).configured(config.options)
    algorithm.check_off_policy(steps=config.learner.epochs * config.learner.mini_batches, stale=config.staleness > 0)
    parts = Parts(
        algorithm=algorithm,
        shapers=[find_shaper(name) for name in config.shapers],
        schedule=Schedule.parse(config.schedule),
        games={mix.game_name: make_game(mix.env_id, **mix.kwargs) for mix in config.games},
    )
    check_judges(config, parts.games.values())
    SandboxConfig.parse(config.sandbox)
    check_sampler(config)
    trained = check_roles(
        parts.schedule,
        parts.roles,
        config.train_roles,
        {"role_weights": algorithm.objective.weights(), "role_shares": algorithm.objective.shares()},
        config.steps,
    )
    check_counted(config, parts.games, trained)
    algorithm.objective.check_shares(trained)
    algorithm.objective.check_weights(trained)
    check_panels(algorithm, parts.games, trained)
    return _with_tasks(config, parts) if read_tasks else parts


def _with_tasks(config: TrainConfig, parts: Parts) -> Parts:
    """The parts with their tasks, which are read and checked."""
    sets = task_sets(config.evaluation, config.games)
    compared = any(mix.task_source or mix.exclude == "evaluation" for mix in config.games)
    evaluation = {one.name: list(one.tasks) for one in sets} if compared else {}
    parts = replace(parts, tasks={mix.game_name: tasks_of(mix, evaluation) for mix in config.games})
    for mix in config.games:
        check_gold(mix, parts.algorithm, parts.games[mix.game_name], parts.tasks[mix.game_name].tasks)
    return parts


def check_counted(config: TrainConfig, games: Mapping[str, Game], trained: Collection[str]) -> None:
    """Stops where `tokens_per_step` counts the tokens of roles that answer, and none of them trains.

    Raises:
        ValueError: Says so.
    """
    answers = {role for game in games.values() for role in game.answers}
    if config.tokens_per_step and config.tokens_counted == "answers" and not answers & set(trained):
        raise ValueError(
            f"TrainConfig.tokens_counted='answers': none of the roles that train ({', '.join(sorted(trained))}) answers a "
            "task; choose all."
        )


def check_sampler(config: TrainConfig) -> None:
    """Stops where the sampler's text is wrong, or has an engine sleep that never may.

    Raises:
        ValueError: Says which.
    """
    options = getattr(SAMPLERS.find(config.sampler), "keywords", {})
    if parse_sampler(config.sampler)[0] != "vllm":
        for name in ("max_rows", "prefill_tokens"):
            if options.get(name, 1) < 1:
                raise ValueError(f"sampler={config.sampler!r}: {name} must be at least 1; leave it out for the default.")
        return
    check_engine(options)
    if config.staleness and options.get("sleep"):
        raise ValueError(
            f"sampler={config.sampler!r} is to sleep while the learner updates, but with staleness=1 it samples meanwhile; "
            "leave sleep out, which gives it 0.4 of the device's memory, or set staleness=0."
        )


def check_installed(config: TrainConfig) -> None:
    """Stops where the engine that a run samples with is not on this machine, before gigabytes of its model are read.

    Raises:
        ModelUnavailable: It is not installed.
        ValueError: The interpreter that is to run it is none.
    """
    from ..samplers.vllm.process import find_interpreter

    name, options = parse_sampler(config.sampler)
    if name == "vllm":
        find_interpreter(options.get("python", ""))


def judge_texts(config: TrainConfig, games: Iterable[Game]) -> tuple[str, ...]:
    """The judges of a run: the environments' own, that of its evaluations, and those that a game names."""
    named = (name for game in games for name in game.judges)
    return tuple(dict.fromkeys((config.judge, *filter(None, [examining_judge(config)]), *named)))


def examining_judge(config: TrainConfig) -> str:
    """The judge of a run's evaluations where they have one of their own; empty: the run's."""
    return config.evaluation.judge if config.evaluation.tasks != "none" else ""


def check_judges(config: TrainConfig, games: Iterable[Game]) -> None:
    """Stops where a judge is not known, or is to sleep where it never may.

    Raises:
        ValueError: Says which.
    """
    for text in judge_texts(config, games):
        check_judge(text)
        if config.staleness and getattr(JUDGES.find(text), "keywords", {}).get("sleep"):
            raise ValueError(
                f"judge={text!r} is to sleep while the learner updates, but with staleness=1 it judges meanwhile; leave sleep "
                "out, or set staleness=0."
            )


def asks_self(config: TrainConfig, games: Iterable[Game]) -> bool:
    """Whether a game of the run, the run itself or its evaluation names the frozen model as a judge."""
    return SELF in judge_texts(config, games)


def check_panels(algorithm: Algorithm, games: Mapping[str, Game], trained: Collection[str]) -> None:
    """Stops where an answer to another role's proposal would be alone in each group, and its role so never learn.

    Whether other messages have siblings shows as they are played; see `Algorithm.check_siblings`.

    Raises:
        ValueError: Names the game and the role.
    """
    if "siblings" not in algorithm.needs or algorithm.group_by not in BY_TASK:
        return
    for env_id, game in games.items():
        alone = [role for role in game.answers if role in trained and role != game.roles[0] and game.attempts == 1]
        if alone:
            raise ValueError(
                f"algorithm={algorithm.name!r} compares messages of one {algorithm.group_by}, and attempts=1 of {env_id} gives "
                f"the {alone[0]} one to each; raise attempts to at least 2, or compare within role and task type (algorithm "
                "trr++, or options group_by=role+task_type)."
            )


def notices(config: TrainConfig, parts: Parts) -> list[str]:
    """Settings that are allowed, and perhaps not meant: one sentence each."""
    names = {mix.game_name: mix.name or short_name(mix.env_id).lower() for mix in config.games}
    sentences = list(filter(None, [tasks_notice(parts.tasks, names)]))
    weights = [getattr(game, "quality_weight", None) for game in parts.games.values()]
    if parts.algorithm.name == "lsp" and not any(weights):
        sentences.append(
            "algorithm='lsp' is the same as lsp-zero here, as no game rewards quality; add "
            "--game-kwargs quality_weight=1 to have the model's starting weights judge it."
        )
    learner = config.learner
    if learner.lora_rank and learner.dtype == "bfloat16" and 0 < learner.lr < LEAST_RATE:
        sentences.append(
            f"learner.lr={learner.lr:g} hardly shows with adapters in bfloat16: what a few steps change is rounded away where "
            "a layer adds it up; raise it, as with --learner.lr 2e-5, or add --learner.dtype float32."
        )
    return sentences
