"""A training run: its parts and the step it is at. `agents.training.assembly` builds it, `agents.training.loop` drives it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from selfplay_envs import Referee
from selfplay_envs.core.judging import Judge

from ..algorithms.algorithm import Algorithm
from ..config.role_schedule import Schedule
from ..config.run import TrainConfig
from ..judges.binding import rest
from ..learner.learner import Learner
from ..runs.events import EventKind
from ..runs.log import RunLog
from ..runs.timings import Clock
from ..samplers.base import Sampler
from .checkpoint import RunState
from .episodes import EpisodeSource
from .weight_sync import WeightSync


@dataclass(slots=True, kw_only=True)
class Run:
    """The parts of a run, and where it is."""

    config: TrainConfig
    log: RunLog
    tokenizer: PreTrainedTokenizerBase
    learner: Learner
    algorithm: Algorithm
    sampler: Sampler
    episodes: EpisodeSource
    weight_sync: WeightSync
    schedule: Schedule
    roles: frozenset[str]
    examiner: Referee
    """The referee of evaluations: that of the episodes, or one with `EvalConfig.judge` in its place."""
    judges: tuple[Judge, ...] = ()
    """Those that were opened for it, such as a reward model."""
    step: int = 0
    """The step under way, or the last that was finished."""
    clock: Clock = field(default_factory=Clock)
    silent: bool = False
    """Whether the last step that trained taught nothing."""

    @property
    def run_dir(self) -> Path:
        """Its folder."""
        return self.log.run_dir

    def begin_step(self) -> None:
        """Goes on to the next step, with a clock of its own."""
        self.step += 1
        self.clock = Clock()

    def release_memory(self) -> None:
        """Has sampler and judges give the device's memory back to the learner."""
        self.sampler.release_memory()
        rest(self.judges)

    def emit(self, kind: EventKind, **data: Any) -> None:
        """Emits an event of the present step."""
        self.log.emit(kind, self.step, **data)

    def trained(self) -> Collection[str]:
        """The roles that train at this step."""
        roles = self.schedule.trained(self.step, self.roles)
        return roles & frozenset(self.config.train_roles) if self.config.train_roles else roles

    def state(self) -> RunState:
        """The contents of a checkpoint of the present step."""
        return RunState(
            step=self.step,
            config=self.config,
            learner=self.learner,
            curriculum=self.episodes.curriculum,
            tokenizer=self.tokenizer,
            inflight=self.episodes.ahead,
        )
