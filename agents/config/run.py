"""The config of a training run: frozen records that print as help, check themselves, and round-trip through JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from selfplay_envs.names.registration import game_spec, short_name

from .bounds import check_choices, check_fields, known_fields
from .game_mix import GameMix, game_from_json, novelty_of_game
from .learner import LearnerConfig
from .role_schedule import Schedule
from .sampler import needs_model
from .sampling import Sampling, check_trainable
from .short_cuts import parse_short_cuts

TRACKERS = ("tensorboard", "wandb", "trackio")
"""Names that `TrainConfig.trackers` may hold."""

__all__ = ["TRACKERS", "EvalConfig", "GameMix", "TrainConfig", "novelty_of_game"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalConfig:
    """What is measured during a run, with seeds of its own."""

    tasks: str = "none"
    """`none`, `tiny` (the shipped held-out programs, as far as they are of the run's games), `tiny-validation` (others, to
    choose settings by) or `tiny-out-of-domain` (longer ones with unknown operations), a `.jsonl` file of lines
    {"env_id": ..., "task": {...}} of any registered games, or benchmarks and other sources of `selfplay benchmarks`, with their
    options: `gsm8k:path=gsm8k.jsonl,limit=100,humaneval`."""
    verifier: str = ""
    """How answers to the problems of those sources are judged, as in `numeric:rel_tol=1e-3`; empty: as a benchmark says. A file
    of rows of one's own has to be told."""
    prompt: str = ""
    """Their prompt: `full`, `terse`, or a template such as `{question} {request}`; empty: as the source says."""
    columns: str = ""
    """Renames columns of a file of rows: `question=problem,answer=final_answer`."""
    every: int = 0
    """Steps between evaluations; 0: only before the first and after the last step."""
    before: bool = True
    """Whether the model is measured before the first step, too; False where the same untrained model is measured elsewhere."""
    samples: int = 4
    """Replies per problem: pass@1 and pass@k up to this k."""
    limit: int = 0
    """Problems per game, the first ones; 0: all."""
    judge: str = ""
    """Who scores answers to tasks of games that ask a judge, as `TrainConfig.judge`; empty: that one. A run that trains on a
    judge with a weakness is measured by another, such as `rules`."""
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
    tokens_per_step: int = 0
    """Trained tokens of every step, so that runs of other games or algorithms can be compared: whole episodes are left out by
    chance, never by length, once so many tokens are there, and further ones are played while they are not. What is left out
    was sampled all the same, and its tasks are kept. 0: whatever a step's episodes hold."""
    tokens_counted: Literal["all", "answers"] = "all"
    """Whose trained tokens `tokens_per_step` counts: all roles', or those of roles that answer tasks, so that what proposers
    train on comes on top."""
    seed: int = 0
    sampling: Sampling = field(default_factory=Sampling)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    evaluation: EvalConfig = field(default_factory=EvalConfig)
    sandbox: str = "auto"
    """`auto`, `docker` or `process`."""
    judge: str = "rules"
    """Who scores answers in games that ask; others ignore it. `rules`; `styled:style=capitals,weight=0.5`, the same with a
    planted weakness, as a control; `reward-model:id=FOLDER_OR_ID`, a classifier on this machine, also with `sleep=1`, which
    gives its memory to the learner; `endpoint:url=...,model=...`, a remote model with a rubric; `self`, the run's model
    with its starting weights: the share of seven criteria that it finds met; a package's, or `module:NAME` for one of your
    own, with options as in `my_judges:Vowels:weight=2`."""
    shapers: tuple[str, ...] = ()
    """Batch-level credit terms of `selfplay_envs.rewards.shapers`, such as `repetition`, or `module:NAME` for your own."""
    reward: Literal["true", "random", "flipped"] = "true"
    """Control arms: `random` permutes training returns within each (role, task type), `flipped` negates them."""
    train_roles: tuple[str, ...] = ()
    """Roles that are trained; empty: all. The others still play, with the same weights, which training moves under them."""
    schedule: str = "joint"
    """Which roles train at which step: `joint`, `alternate:proposer=1,solver=5`, `every:proposer=5`, or `frozen:proposer`, who
    then plays with its starting weights for ever; see `agents.config.role_schedule`."""
    sampler: str = "transformers"
    """Who decodes: `transformers`, or an engine with options, such as `vllm:dtype=bfloat16`, or `module:NAME`; see
    `agents.config.sampler`."""
    lanes: int = 2
    """Groups of a step's episodes that play side by side: while the programs of one are verified, another samples."""
    staleness: int = 0
    """1: while the learner updates on a batch, the next one is collected with the policy of before that update; the sampler
    then holds weights of its own. The last step collects nothing ahead, so a run that is made longer starts anew there. 0: one
    after the other, and every reply is of the newest policy."""
    sync_tolerance: float = 0.0
    """Largest mean difference, in nats, of the sampler's and the learner's log-probabilities of fixed replies' tokens after new
    weights were loaded; 0 takes 1e-3, for an engine in float32 1e-2, and 0.1 where weights or engine may compute in
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
    record_tokens: bool = False
    """Episodes are written with token ids and log-probabilities, three times as large, as analyses of entropy want them."""
    keep_models_every: int = 0
    """Steps between models that stay in `models/` for ever, without what a run needs to go on; 0: none."""
    max_rows: int = 512
    """Replies decoded at a time."""
    device: str = "auto"
    short_cuts: str = "auto"
    """Ways of computing on a processor, and threads: `auto` tries each for some milliseconds when the run begins, and the run
    keeps what it chose in machine.json; `none` is torch's own way; `onednn=0,threads=1` forces some; see
    `agents.config.short_cuts`."""

    def __post_init__(self) -> None:
        self._check_games()
        check_fields(self, steps=1, tokens_per_step=0, seed=0, lanes=1, staleness=0, sync_tolerance=0, max_rows=1)
        check_fields(self, checkpoint_every=1, keep_checkpoints=1, episodes_every=0, keep_models_every=0)
        if self.staleness > 1:
            raise ValueError(f"TrainConfig.staleness={self.staleness!r} is above 1; choose 0 or 1 batch ahead.")
        Schedule.parse(self.schedule)
        parse_short_cuts(self.short_cuts)
        if not needs_model(self.sampler):
            raise ValueError(
                f"TrainConfig.sampler={self.sampler!r} samples with weights of its own, which training cannot change; "
                "choose transformers or vllm."
            )
        for name in self.trackers:
            if name not in TRACKERS:
                raise ValueError(f"TrainConfig.trackers names {name!r}, which is not known; choose of {', '.join(TRACKERS)}.")
        check_choices(self, reward=("true", "random", "flipped"), tokens_counted=("all", "answers"))
        check_trainable(self.sampling, "TrainConfig.sampling")

    def _check_games(self) -> None:
        """Stops where there are none, or they do not fit one another."""
        if not self.games:
            raise ValueError("TrainConfig.games=() is empty; give at least one GameMix.")
        names = [mix.game_name for mix in self.games]
        if len(set(names)) < len(names):
            raise ValueError(
                f"TrainConfig.games={names} names a game twice; give each env id one GameMix, or each GameMix its own name."
            )
        labels = [(mix.name or short_name(mix.env_id)).lower() for mix in self.games]
        for mix in self.games:
            if mix.name and labels.count(mix.name.lower()) > 1:
                raise ValueError(f"GameMix.name={mix.name!r} means another of the run's games too; choose a name of its own.")
        for mix in self.games:
            missing = sorted(set(mix.references_from) - {*names, *(other.env_id for other in self.games)})
            if missing:
                for other in self.games:
                    game_spec(other.env_id)  # a misspelt id is the likelier fault
                raise ValueError(
                    f"GameMix.references_from of {mix.env_id!r} names {missing[0]!r}, which is not among the games; add it."
                )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The config that `to_json` wrote.

        Raises:
            ValueError: A field is unknown or its value is wrong.
        """
        plain = dict(known_fields(cls, data))
        plain["games"] = tuple(game_from_json(known_fields(GameMix, mix)) for mix in plain["games"])
        evaluation = dict(known_fields(EvalConfig, plain.get("evaluation", {})))
        evaluation["sampling"] = Sampling(**known_fields(Sampling, evaluation.get("sampling", {})))
        plain["evaluation"] = EvalConfig(**evaluation)
        plain["sampling"] = Sampling(**known_fields(Sampling, plain.get("sampling", {})))
        plain["learner"] = LearnerConfig(**known_fields(LearnerConfig, plain.get("learner", {})))
        for name in ("shapers", "train_roles", "trackers"):
            plain[name] = tuple(plain.get(name, ()))
        return cls(**plain)
