"""What a training run is made of: frozen records that print as help, check themselves, and round-trip through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

from .bounds import check_fields
from .learner_config import LearnerConfig
from .sampler_text import needs_model
from .sampling import Sampling, check_trainable
from .schedule import Schedule
from .short_cuts import parse_short_cuts

TRACKERS = ("tensorboard", "wandb", "trackio")
"""What `TrainConfig.trackers` may name."""
RewardArm = Literal["true", "random", "flipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GameMix:
    """One game of a run: how many episodes of it are played per step, and how its tasks are remembered."""

    env_id: str
    """An id of `selfplay envs`, or `module:ID` for a game of your own, which also who resumes or replays the run then finds."""
    kwargs: dict[str, str | int | float | bool] = field(default_factory=dict[str, "str | int | float | bool"])
    """Keywords of the game, such as `attempts` and `style`."""
    fresh: int = 16
    """Episodes per step that start at the proposer (or, in games without one, at the beginning); at least 1, as replayed tasks
    are those that these proposed. AZR: 64."""
    replay: int = 8
    """Episodes per step on tasks of the buffer, once it holds some. AZR: 64."""
    references: int = 2
    """Old tasks shown to the proposer. AZR: 6."""
    references_from: tuple[str, ...] = ()
    """Env ids whose buffers supply the references; empty: its own. Induction takes its programs from the other two."""
    newest: float = 0.5
    """Share of the replayed tasks taken from the newest ones."""
    capacity: int = 16_384
    """Tasks remembered; the oldest leave first."""
    novelty: Literal["task", "pair"] = "task"
    """What makes a task new: its program (`task`), or program and inputs (`pair`, for games whose programs are given)."""
    duplicate_credit: float | None = -1.0
    """Training return of a proposer whose task is in the buffer already; None leaves the game's credit."""
    exclude: str = "none"
    """Tasks that must never train: `none`, or `tiny` for the held-out programs of the tiny model."""

    def __post_init__(self) -> None:
        check_fields(self, fresh=0, replay=0, references=0, capacity=1)
        if self.fresh == 0:
            raise ValueError(
                f"GameMix.fresh=0 of {self.env_id!r}: the tasks that are replayed are those that fresh episodes proposed, so "
                "it would never be played; choose at least 1, or drop the game."
            )
        if not 0 <= self.newest <= 1:
            raise ValueError(f"GameMix.newest={self.newest!r} is not a share; choose 0 to 1.")
        if self.novelty not in ("task", "pair"):
            raise ValueError(f"GameMix.novelty={self.novelty!r} is not known; choose task or pair.")
        if self.exclude not in ("none", "tiny"):
            raise ValueError(f"GameMix.exclude={self.exclude!r} is not known; choose none or tiny.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalConfig:
    """What is measured during a run, with seeds of its own."""

    tasks: str = "none"
    """`none`, `tiny` (the shipped held-out programs, as far as they are of the run's games), or a `.jsonl` file of lines
    {"env_id": ..., "task": {...}} of any registered games."""
    every: int = 0
    """Steps between evaluations; 0: only before the first and after the last step."""
    samples: int = 4
    """Replies per problem: pass@1 and pass@k up to this k."""
    limit: int = 0
    """Problems per game, the first ones; 0: all."""
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        check_fields(self, every=0, samples=1, limit=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A training run."""

    games: tuple[GameMix, ...]
    model: str = "tiny"
    """`tiny`, `smollm2`, a local folder, or a Hugging Face id."""
    algorithm: str = "trr++"
    """A row of `agents.algorithms`, or `module:ROW` for one of your own; `selfplay algorithms` lists them."""
    options: dict[str, str | int | float | bool] = field(default_factory=dict[str, "str | int | float | bool"])
    """Settings of the algorithm that differ from its row, such as `--options kl_coef 0.04`: see `selfplay algorithms NAME`."""
    steps: int = 100
    """Collected batches in all, each followed by one update; a resumed run may raise it."""
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    evaluation: EvalConfig = field(default_factory=EvalConfig)
    sandbox: str = "auto"
    """`auto`, `docker` or `process`."""
    judge: str = "rules"
    """Name of a judge: `rules`, `self` (the run's model with its starting weights: the share of seven criteria that it finds
    met), one of a package, or `module:NAME` for one of your own, with options as in `my_judges:Vowels:weight=2`; games that ask
    none ignore it."""
    shapers: tuple[str, ...] = ()
    """Batch-level credit terms of `selfplay_envs.shapers`, such as `repetition`, or `module:NAME` for your own."""
    reward: RewardArm = "true"
    """Control arms: `random` permutes training returns within each (role, task type), `flipped` negates them."""
    train_roles: tuple[str, ...] = ()
    """Roles that are trained; empty: all. The others still play, with the same weights, which training moves under them."""
    schedule: str = "joint"
    """Which roles train at which step: `joint`, `alternate:proposer=1,solver=5`, `every:proposer=5`, or `frozen:proposer`, who
    then plays with its starting weights for ever; see `agents.schedule`."""
    sampler: str = "transformers"
    """Who decodes: `transformers`, or an engine with options, such as `vllm:dtype=bfloat16`, or `module:NAME`; see
    `agents.sampler_text`."""
    lanes: int = 2
    """Groups of a step's episodes that play side by side: while the programs of one are verified, another is spoken for."""
    staleness: int = 0
    """1: while the learner updates on a batch, the next one is collected with the policy of before that update; the sampler
    then holds weights of its own. The last step collects nothing ahead, so a run that is made longer starts anew there. 0: one
    after the other, and every reply is of the newest policy."""
    sync_tolerance: float = 0.0
    """Largest mean difference, in nats, of the sampler's and the learner's log-probabilities of fixed replies' tokens after new
    weights were handed over; 0 takes 1e-3, for an engine in float32 1e-2, and 0.1 where weights or engine may compute in
    bfloat16. No single token may differ by more either, or in bfloat16 by more than 20 times as much."""
    trackers: tuple[str, ...] = ()
    """Dashboards that mirror the rows of metrics.jsonl: `tensorboard`, `wandb`, `trackio`."""
    checkpoint_every: int = 25
    """Steps between checkpoints; the last step always writes one."""
    keep_checkpoints: int = 2
    """The newest that stay, beside one that is being written. Each takes 12 bytes for every weight that trains, its float32
    value and Adam's two means, and the exported model: 45 GB where all of 3 billion train in bfloat16."""
    episodes_every: int = 10
    """Steps between dumps of all episodes to `episodes/`, the last step always; 0: never."""
    max_rows: int = 512
    """Replies decoded at a time."""
    device: str = "auto"
    short_cuts: str = "auto"
    """Ways of computing on a processor, and threads: `auto` tries each for some milliseconds when the run begins, and the run
    keeps what it chose in machine.json; `none` is torch's own way; `onednn=0,threads=1` forces some; see
    `agents.short_cuts`."""

    def __post_init__(self) -> None:
        if not self.games:
            raise ValueError("TrainConfig.games=() is empty; give at least one GameMix.")
        ids = [mix.env_id for mix in self.games]
        if len(set(ids)) < len(ids):
            raise ValueError(f"TrainConfig.games={ids} names a game twice; give each env id one GameMix.")
        for mix in self.games:
            missing = sorted(set(mix.references_from) - set(ids))
            if missing:
                from selfplay_envs.registration import game_spec

                for env_id in ids:
                    game_spec(env_id)  # a misspelt id is the likelier fault
                raise ValueError(
                    f"GameMix.references_from of {mix.env_id!r} names {missing[0]!r}, which is not among the games; add it."
                )
        check_fields(
            self,
            steps=1,
            seed=0,
            lanes=1,
            staleness=0,
            sync_tolerance=0,
            checkpoint_every=1,
            keep_checkpoints=1,
            episodes_every=0,
            max_rows=1,
        )
        if self.staleness > 1:
            raise ValueError(f"TrainConfig.staleness={self.staleness!r} is above 1; choose 0 or 1 batch ahead.")
        Schedule.parse(self.schedule)
        parse_short_cuts(self.short_cuts)
        if not needs_model(self.sampler):
            raise ValueError(
                f"TrainConfig.sampler={self.sampler!r} speaks with weights of its own, which training cannot change; "
                "choose transformers or vllm."
            )
        for name in self.trackers:
            if name not in TRACKERS:
                raise ValueError(f"TrainConfig.trackers names {name!r}, which is not known; choose of {', '.join(TRACKERS)}.")
        if self.reward not in ("true", "random", "flipped"):
            raise ValueError(f"TrainConfig.reward={self.reward!r} is not known; choose true, random or flipped.")
        check_trainable(self.sampling, "TrainConfig.sampling")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The config that `to_json` wrote.

        Raises:
            ValueError: A field is unknown or its value is wrong.
        """
        plain = dict(_known(cls, data))
        plain["games"] = tuple(_game_from_json(mix) for mix in plain["games"])
        evaluation = dict(_known(EvalConfig, plain.get("evaluation", {})))
        evaluation["sampling"] = Sampling(**_known(Sampling, evaluation.get("sampling", {})))
        plain["evaluation"] = EvalConfig(**evaluation)
        plain["sampling"] = Sampling(**_known(Sampling, plain.get("sampling", {})))
        plain["learner"] = LearnerConfig(**_known(LearnerConfig, plain.get("learner", {})))
        for name in ("shapers", "train_roles", "trackers"):
            plain[name] = tuple(plain.get(name, ()))
        return cls(**plain)


def _game_from_json(data: Mapping[str, Any]) -> GameMix:
    plain: dict[str, Any] = dict(_known(GameMix, data))
    plain["references_from"] = tuple(plain.get("references_from", ()))
    return GameMix(**plain)


def _known(cls: type[Any], data: Mapping[str, Any]) -> Mapping[str, Any]:
    """`data`, if every key is a field of `cls`."""
    unknown = sorted(set(data) - {one.name for one in fields(cls)})
    if unknown:
        raise ValueError(f"{cls.__name__} has no field {unknown[0]!r}; this config was written by another version.")
    return data
