"""The assembly of a run: its config checked, its parts opened, its newest checkpoint restored, everything closed at the end."""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from selfplay_envs import Referee
from selfplay_envs.core.judging import SELF, Judge

from ..config.run import TrainConfig
from ..hardware.machine import keep_choices, kept_setting
from ..judges.binding import open_judges, self_judge
from ..judges.self_judge import own_judge
from ..learner.learner import Learner
from ..learner.master_weights import loading_dtype
from ..models.chat_templates import special_tokens
from ..models.loading import load_model
from ..rollouts.collector import Collector
from ..rollouts.curriculum import Curriculum
from ..rollouts.fixed_tasks import shown_tasks
from ..rollouts.gold import GoldReplies
from ..runs.events import OnEvent
from ..runs.folder import CHECKPOINTS, alone_in, check_config, checkpoints, sandbox_of
from ..runs.log import RunLog
from ..runs.rows import forget_after
from ..runs.trackers import open_trackers
from ..samplers.base import Sampler
from ..samplers.registry import open_sampler
from .checkpoint import load_checkpoint, load_inflight, remove_leftovers
from .checks import Parts, asks_self, check_installed, check_run, examining_judge, judge_texts, notices
from .episodes import EpisodeSource
from .role_samplers import frozen_sampler, needs_copy, samplers_by_role
from .run import Run
from .weight_sync import WeightSync, sync_check

FILES = ("metrics.jsonl", "timings.jsonl", "eval.jsonl")
"""Files of rows, of which a resumed run drops those behind its checkpoint."""


@contextmanager
def open_run(config: TrainConfig, run_dir: Path, on_event: OnEvent) -> Generator[Run]:
    """Builds everything, restores the newest checkpoint if there is one, drops what was written after it; closes at the end."""
    parts = check_run(config)  # before anything is written
    check_installed(config)
    with ExitStack() as stack:
        stack.enter_context(alone_in(run_dir))
        check_config(config, run_dir)
        judges = open_judges(judge_texts(config, parts.games.values()))  # one that does not open stops this at once
        learner, tokenizer = _open_learner(config, parts, run_dir)
        weights = copy.deepcopy(learner.model) if needs_copy(config) else learner.model
        sampler = open_sampler(config.sampler, weights, tokenizer, max_rows=config.max_rows)
        stack.callback(sampler.close)
        if parts.algorithm.wants_reference:
            learner.keep_reference()  # the starting weights, not the restored ones
        collector = _collector(config, parts, run_dir, learner, sampler, tokenizer, judges)
        shown = collector.referee.can_be_shown
        tasks = {mix.game_name: shown_tasks(mix, parts.tasks[mix.game_name], shown) for mix in config.games}
        parts = replace(parts, tasks=tasks)
        curriculum, log = Curriculum(config.games, config.seed, tasks), RunLog(run_dir, on_event)
        run = Run(
            config=config,
            log=log,
            tokenizer=tokenizer,
            learner=learner,
            algorithm=parts.algorithm,
            sampler=sampler,
            episodes=EpisodeSource(config, curriculum, collector, parts.algorithm, log),
            weight_sync=WeightSync(learner, sampler, sync_check(config, tokenizer)),
            schedule=parts.schedule,
            roles=parts.roles,
            examiner=_examiner(config, collector.referee),
            judges=tuple(judges.values()),
        )
        stack.callback(run.episodes.stop)
        _restore(run)
        log.trackers = open_trackers(config.trackers, run_dir, config.to_json(), run.step)
        for tracker in log.trackers:
            stack.callback(tracker.close)
        _emit_start(run, parts)
        yield run


def _open_learner(config: TrainConfig, parts: Parts, run_dir: Path) -> tuple[Learner, PreTrainedTokenizerBase]:
    """The learner of a run, at the starting weights, and the model's tokenizer."""
    short_cuts = kept_setting(run_dir, config.short_cuts)
    model, tokenizer = load_model(
        config.model, device=config.device, dtype=loading_dtype(config.learner), short_cuts=short_cuts
    )
    keep_choices(run_dir, model, short_cuts)
    learner = Learner(
        model,
        config.learner,
        temperature=config.sampling.temperature,
        roles=sorted(parts.roles),
        reply_limit=config.sampling.max_new_tokens,
    )
    return learner, tokenizer


def _collector(
    config: TrainConfig,
    parts: Parts,
    run_dir: Path,
    learner: Learner,
    sampler: Sampler,
    tokenizer: PreTrainedTokenizerBase,
    judges: Mapping[str, Judge],
) -> Collector:
    """The collector of a run: a sampler for every role, the referee with its sandbox and judges, the shapers."""
    judging = asks_self(config, parts.games.values())
    frozen = frozen_sampler(config, learner, sampler, tokenizer) if parts.schedule.frozen or judging else None
    bound = {**judges, SELF: self_judge(config.seed, frozen, tokenizer)} if judging and frozen is not None else judges
    own = own_judge(config.judge, bound)
    referee = Referee(sandbox_of(config, run_dir), own, bound, reserved=special_tokens(tokenizer))
    by_role = samplers_by_role(config, parts.roles, parts.schedule, sampler, frozen)
    context = int(getattr(sampler, "context", 1 << 30))  # of one's own sampler: nothing is known
    gold = GoldReplies(config.games, tokenizer, context=context, limit=config.sampling.max_new_tokens)
    return Collector(sampler, referee, config.sampling, by_role=by_role, shapers=parts.shapers, lanes=config.lanes, gold=gold)


def _examiner(config: TrainConfig, referee: Referee) -> Referee:
    """The referee of the run's evaluations; all that its judge needs is bound to that of the episodes."""
    text = examining_judge(config)
    return referee.judged_by(own_judge(text, {text: referee.judges[text]})) if text else referee


def _restore(run: Run) -> None:
    """Learner, curriculum, sampler and the episodes in flight, from the newest checkpoint; rows behind it are dropped."""
    remove_leftovers(run.run_dir / CHECKPOINTS)
    saved = checkpoints(run.run_dir / CHECKPOINTS)
    if saved:
        run.step = load_checkpoint(saved[-1], run.learner, run.episodes.curriculum)
        run.episodes.ahead = load_inflight(saved[-1])
    run.weight_sync.push()
    for name in FILES:
        forget_after(run.run_dir / name, run.step if saved else -1)


def _emit_start(run: Run, parts: Parts) -> None:
    """Emits that the run begins or goes on, and what a person should know of it."""
    run.emit(
        "start",
        config=run.config.to_json(),
        resumed_from=run.step,
        steps=run.config.steps,
        backend=run.episodes.collector.referee.backend,
        parameters=sum(weight.numel() for weight in run.learner.model.parameters()),
    )
    for sentence in notices(run.config, parts):
        run.emit("notice", sentence=sentence)
