"""One training run: its parts, opened and restored, what a step needs of them, and closed whatever happens."""

from __future__ import annotations

import copy
from collections.abc import Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from selfplay_envs import Episode, Referee, Start

from .algorithm import Algorithm
from .chat import special_tokens
from .checkpoint import checkpoints, load_checkpoint, load_inflight, sweep
from .collect import Collection as Flying
from .collect import Collector
from .config import TrainConfig
from .curriculum import Curriculum
from .errors import LossNotFinite
from .events import Event, EventKind, OnEvent
from .learner import Learner
from .machine import keep_choices, kept_setting
from .master_weights import loading_dtype
from .metrics import append_row, forget_after
from .models import load_model
from .refill import refill
from .run_checks import asks_self, check_installed, check_run, notices
from .run_folder import alone_in, check_folder, sandbox_of
from .run_judges import bound_judges, own_judge
from .sampler import Sampler
from .samplers import open_sampler
from .schedule import Schedule
from .seeding import generator_of
from .stages import Clock
from .sync_check import SyncCheck
from .trackers import Tracker, numbers_of, open_trackers
from .voices import frozen_voice, needs_copy, sync_check, voices_by_role

FILES = ("metrics.jsonl", "timings.jsonl", "eval.jsonl")


@dataclass(slots=True, kw_only=True)
class Run:
    """The parts of a run, and where it is."""

    config: TrainConfig
    run_dir: Path
    listener: OnEvent
    tokenizer: PreTrainedTokenizerBase
    learner: Learner
    algorithm: Algorithm
    sampler: Sampler
    collector: Collector
    curriculum: Curriculum
    sync_check: SyncCheck
    schedule: Schedule
    roles: frozenset[str]
    trackers: list[Tracker] = field(default_factory=list[Tracker])
    step: int = 0
    """The step under way, or the last that was finished."""
    clock: Clock = field(default_factory=Clock)
    flight: Flying | None = None
    """The next step's episodes while they are played."""
    ahead: list[Episode] | None = None
    """The next step's episodes, where they are played already."""
    handed_over: dict[str, float] = field(default_factory=dict[str, float])
    """What the sampler proved when it was last given weights."""
    silent: bool = False
    """Whether the last step that trained taught nothing."""

    def tell(self, kind: EventKind, **data: Any) -> None:
        """Tells the listener."""
        self.listener(Event(kind=kind, step=self.step, data=data))

    def on_round(self, phase: str) -> Any:
        """Tells of rounds of a phase."""
        return lambda finished, total: self.tell("round", finished=finished, total=total, phase=phase)

    def write(self, file: str, row: Mapping[str, Any], prefix: str = "") -> None:
        """Adds a row to one of the run's files and mirrors its numbers."""
        append_row(self.run_dir / file, row)
        for tracker in self.trackers:
            tracker.log(self.step, numbers_of(row, prefix))

    def collect(self) -> list[Episode]:
        """This step's episodes: those that were played ahead, or freshly played ones."""
        if self.ahead is not None:
            played, self.ahead = self.ahead, None
            return played
        starts = self.curriculum.starts(self.step)
        return self.collector.collect(starts, self._names(self.step), self.on_round("collect"))

    def refill(self, episodes: list[Episode], tasks: Mapping[str, float]) -> tuple[list[Episode], dict[str, float]]:
        """This step's episodes and those that make up for groups that teach nothing; and the counts of tasks of all."""
        counts = dict(tasks)

        def play(starts: list[Start], again: int) -> list[Episode]:
            played = self.collector.collect(starts, (*self._names(self.step), "again", again), self.on_round("collect"))
            admitted, more = self.curriculum.admit(played)
            counts.update(
                {name: value if name.endswith("/buffer") else counts.get(name, 0) + value for name, value in more.items()}
            )
            return admitted

        rng = generator_of(self.config.seed, "refill", self.step)
        found, added = refill(
            episodes, self.algorithm, self.trained(), play, lambda again: self.curriculum.starts(self.step, again), rng
        )
        return found, {**counts, "refills": float(added)} if added else counts

    def collect_ahead(self) -> None:
        """Starts to play the next step's episodes with the policy that the sampler holds, where the config wants that."""
        if self.config.staleness and self.step < self.config.steps:
            self.flight = self.collector.begin(self.curriculum.starts(self.step + 1), self._names(self.step + 1))

    def await_ahead(self) -> None:
        """Waits for what `collect_ahead` started."""
        if self.flight is not None:
            self.ahead = self.flight.wait(self.on_round("collect"))
            self.flight = None

    def hand_over(self) -> None:
        """Gives the sampler the learner's weights, where they are others, and has it prove that it speaks with them.

        Raises:
            LossNotFinite: The weights are no numbers any more.
            SyncError: The sampler speaks with others.
        """
        if not self.handed_over or self.sampler.policy_version != self.learner.policy_version:
            if not all(bool(weight.isfinite().all()) for weight in self.learner.trainable.values()):
                raise LossNotFinite("the weights are no longer finite after the update.")
            self.learner.sync(self.sampler)
            self.handed_over = self.sync_check.check(self.learner, self.sampler)

    def trained(self) -> Collection[str]:
        """The roles that train at this step."""
        roles = self.schedule.trained(self.step, self.roles)
        return roles & frozenset(self.config.train_roles) if self.config.train_roles else roles

    def stop_flight(self) -> None:
        """Gives up what `collect_ahead` started; nobody uses the sampler afterwards."""
        if self.flight is not None:
            self.flight.stop()
            self.flight = None

    def _names(self, step: int) -> tuple[int | str, ...]:
        return (self.config.seed, "train", step)


@contextmanager
def open_run(config: TrainConfig, run_dir: Path, on_event: OnEvent) -> Generator[Run]:
    """Builds everything, restores the newest checkpoint if there is one, drops what was written after it; closes at the end."""
    parts = check_run(config)  # before anything is written
    check_installed(config)
    algorithm, schedule, roles = parts.algorithm, parts.schedule, parts.roles
    with ExitStack() as stack:
        stack.enter_context(alone_in(run_dir))
        check_folder(config, run_dir)
        short_cuts = kept_setting(run_dir, config.short_cuts)
        model, tokenizer = load_model(
            config.model, device=config.device, dtype=loading_dtype(config.learner), short_cuts=short_cuts
        )
        keep_choices(run_dir, model, short_cuts)
        learner = Learner(
            model,
            config.learner,
            temperature=config.sampling.temperature,
            roles=sorted(roles),
            reply_limit=config.sampling.max_new_tokens,
        )
        voice = copy.deepcopy(learner.model) if needs_copy(config) else learner.model
        sampler = open_sampler(config.sampler, voice, tokenizer, max_rows=config.max_rows)
        stack.callback(sampler.close)
        if algorithm.wants_reference:
            learner.keep_reference()  # the starting weights, not the restored ones
        judging = asks_self(config, parts.games.values())
        frozen = frozen_voice(config, learner, sampler, tokenizer) if schedule.frozen or judging else None
        judges = bound_judges(config, frozen, tokenizer) if judging and frozen is not None else {}
        referee = Referee(sandbox_of(config, run_dir), own_judge(config, judges), judges, reserved=special_tokens(tokenizer))
        by_role = voices_by_role(config, roles, schedule, sampler, frozen)
        collector = Collector(sampler, referee, config.sampling, by_role=by_role, shapers=parts.shapers, lanes=config.lanes)
        run = Run(
            config=config,
            algorithm=algorithm,
            run_dir=run_dir,
            listener=on_event,
            tokenizer=tokenizer,
            learner=learner,
            sampler=sampler,
            collector=collector,
            curriculum=Curriculum(config.games, config.seed),
            sync_check=sync_check(config, tokenizer),
            schedule=schedule,
            roles=roles,
        )
        stack.callback(run.stop_flight)
        _restore(run)
        run.trackers = open_trackers(config.trackers, run_dir, config.to_json(), run.step)
        for tracker in run.trackers:
            stack.callback(tracker.close)
        run.tell(
            "start",
            config=config.to_json(),
            resumed_from=run.step,
            steps=config.steps,
            backend=referee.backend,
            parameters=sum(p.numel() for p in learner.model.parameters()),
        )
        for sentence in notices(config, parts):
            run.tell("notice", sentence=sentence)
        yield run


def _restore(run: Run) -> None:
    """Learner, curriculum, sampler and the episodes in flight, from the newest checkpoint; rows behind it are dropped."""
    sweep(run.run_dir / "checkpoints")
    found = checkpoints(run.run_dir / "checkpoints")
    if found:
        run.step = load_checkpoint(found[-1], run.learner, run.curriculum)
        run.ahead = load_inflight(found[-1])
    run.hand_over()
    for name in FILES:
        forget_after(run.run_dir / name, run.step if found else -1)
