"""What can be known to be wrong with a run before anything slow, loaded or written: names, roles, and whether it can train."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sandboxes import SandboxConfig
from selfplay_envs.game import Game
from selfplay_envs.judges import SELF, check_judge
from selfplay_envs.registration import make_game
from selfplay_envs.shapers import Shaper, find_shaper

from .algorithm import Algorithm
from .algorithms import find_algorithm
from .config import TrainConfig
from .held_out import check_starts, load_tasks
from .sampler_text import SAMPLERS, check_engine, parse_sampler
from .schedule import Schedule, check_roles

BY_TASK = frozenset({"prompt", "query", "task"})
"""Groupings under which a panel is a group, and whoever answers alone is alone in it."""
LEAST_RATE = 1e-5
"""Learning rate of adapters from which bfloat16 shows what they learn: of ten steps with less, little is left by rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the names in a config stand for."""

    algorithm: Algorithm
    """With the run's settings."""
    shapers: Sequence[Shaper]
    schedule: Schedule
    games: Mapping[str, Game]
    """By the env id that the config gives."""

    @property
    def roles(self) -> frozenset[str]:
        """Every role of the games."""
        return frozenset(role for game in self.games.values() for role in game.roles)


def check_run(config: TrainConfig) -> Parts:
    """The parts that a config names, each of them known and all of them fit for one another.

    Raises:
        ValueError: A name, an option or a keyword is not known or wrong, or nobody could ever train.
        SandboxUnavailable: The text of the sandbox is wrong.
        AgentError: The tasks of the evaluation are missing, or one does not start its game.
    """
    algorithm = find_algorithm(config.algorithm).configured(config.options)
    algorithm.check_off_policy(steps=config.learner.epochs * config.learner.mini_batches, stale=config.staleness > 0)
    parts = Parts(
        algorithm=algorithm,
        shapers=[find_shaper(name) for name in config.shapers],
        schedule=Schedule.parse(config.schedule),
        games={mix.env_id: make_game(mix.env_id, **mix.kwargs) for mix in config.games},
    )
    for judge in (config.judge, *(name for game in parts.games.values() for name in game.judges)):
        check_judge(judge)
    SandboxConfig.parse(config.sandbox)
    check_sampler(config)
    trained = check_roles(
        parts.schedule,
        parts.roles,
        config.train_roles,
        {"role_weights": algorithm.objective.weights(), "role_shares": algorithm.objective.shares()},
        config.steps,
    )
    algorithm.objective.check_shares(trained)
    algorithm.objective.check_weights(trained)
    check_panels(algorithm, parts.games, trained)
    check_starts(load_tasks(config.evaluation.tasks, config.games), config.games)
    return parts


def check_sampler(config: TrainConfig) -> None:
    """Stops where the sampler's text is wrong, or wants an engine to sleep that never may.

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
            f"sampler={config.sampler!r} is to sleep while the learner updates, but with staleness=1 it speaks meanwhile; "
            "leave sleep out, which gives it 0.4 of the device's memory, or set staleness=0."
        )


def check_installed(config: TrainConfig) -> None:
    """Stops where the engine that a run speaks with is not on this machine, before gigabytes of its model are read.

    Raises:
        ModelUnavailable: It is not installed.
        ValueError: The interpreter that is to run it is none.
    """
    from .vllm_process import find_interpreter

    name, options = parse_sampler(config.sampler)
    if name == "vllm":
        find_interpreter(options.get("python", ""))


def asks_self(config: TrainConfig, games: Iterable[Game]) -> bool:
    """Whether a game of the run, or the run itself, names the frozen model as a judge."""
    return SELF in (config.judge, *(name for game in games for name in game.judges))


def check_panels(algorithm: Algorithm, games: Mapping[str, Game], trained: Collection[str]) -> None:
    """Stops where whoever answers what another role proposed would be alone in each group, and so never learn.

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
    """What is allowed, and perhaps not meant: one sentence each."""
    found: list[str] = []
    paid = [getattr(game, "quality_weight", None) for game in parts.games.values()]
    if parts.algorithm.name == "lsp" and not any(paid):
        found.append(
            "algorithm='lsp' is the same as lsp-zero here, as no game pays for quality; add "
            "--game-kwargs quality_weight=1 to have the model's starting weights judge it."
        )
    learner = config.learner
    if learner.lora_rank and learner.dtype == "bfloat16" and 0 < learner.lr < LEAST_RATE:
        found.append(
            f"learner.lr={learner.lr:g} hardly shows with adapters in bfloat16: what a few steps change is rounded away where "
            "a layer adds it up; raise it, as with --learner.lr 2e-5, or add --learner.dtype float32."
        )
    return found
