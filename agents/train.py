"""The training loop: self-play episodes in, better weights out. See `train`."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from transformers import PreTrainedTokenizerBase

from selfplay_envs import Episode, Referee, write_episodes
from selfplay_envs.shapers import find_shaper

from .algorithms import find_algorithm
from .batch import collate, samples_of
from .checkpoint import checkpoints, load_checkpoint, save_checkpoint
from .collect import Collector
from .config import TrainConfig
from .controls import control_returns
from .curriculum import Curriculum
from .errors import CheckpointError
from .evaluate import evaluate, load_tasks
from .events import Event, EventKind, OnEvent, ignore
from .learner import Learner
from .metrics import append_row, episode_metrics, forget_after
from .models import load_model
from .sampler import TransformersSampler
from .seeding import generator_of

FILES = ("metrics.jsonl", "timings.jsonl", "eval.jsonl")


def train(config: TrainConfig, run_dir: Path, on_event: OnEvent = ignore) -> Path:
    """Runs, or resumes, a training run; returns the last checkpoint, whose folder `load_model` reads.

    For every step:

    1. The curriculum says how episodes begin: fresh ones with references, replays of old tasks.
    2. The collector plays them: one sampler call, one sandbox batch and one judge batch per round.
    3. The curriculum admits the new tasks, pays duplicates, masks what is held out.
    4. The trained messages become a token batch: sampled ids and the sampler's log-probabilities.
    5. Returns pass through the control arm (`reward="true"` leaves them alone).
    6. The learner takes one optimiser step; advantages by named groups, loss over the global number of tokens.
    7. The sampler gets the new weights.
    8. Metrics per (role, task type) go to `metrics.jsonl`, seconds to `timings.jsonl`.
    9. Evaluation with its own seeds goes to `eval.jsonl`.
    10. A checkpoint is written. A run killed anywhere resumes from the last one and, on CPU, repeats the same bits.

    Args:
        config: The run. A folder that holds a run goes on only with the same config (`steps` may grow).
        run_dir: Folder of the run; made if need be.
        on_event: Told what happens, for displays; see `agents.events`.

    Raises:
        CheckpointError: `run_dir` holds a run of another config, or its checkpoint is damaged.
        ModelUnavailable: The model cannot be loaded here.
        SandboxUnavailable: The sandbox cannot run here.
        ValueError: A name in the config is not known.
    """
    run = _open_run(config, run_dir, on_event)
    if run.step == 0:
        _evaluate(run)
    while run.step < config.steps:
        run.step += 1
        clock = _Clock()
        with clock("collect"):
            starts = run.curriculum.starts(run.step)
            played = run.collector.collect(starts, (config.seed, "train", run.step), run.on_round("collect"))
            episodes, tasks = run.curriculum.admit(played)
        run.tell("collected", episodes=episodes)
        with clock("update"):
            learned = _learn(run, episodes)
        run.tell("updated", metrics=learned)
        metrics = {"step": run.step, **episode_metrics(episodes), **tasks, **learned}
        append_row(run_dir / "metrics.jsonl", metrics)
        if config.episodes_every and (run.step % config.episodes_every == 0 or run.step == config.steps):
            write_episodes(run_dir / "episodes" / f"step_{run.step:06d}.jsonl", episodes)
        with clock("evaluate"):
            _evaluate(run)
        with clock("checkpoint"):
            _checkpoint(run)
        timings = {"step": run.step, **clock.seconds}
        append_row(run_dir / "timings.jsonl", timings)
        run.tell("step", metrics=metrics, timings=timings)
    run.tell("end", path=str(run_dir))
    return checkpoints(run_dir / "checkpoints")[-1]


@dataclass(slots=True)
class _Run:
    config: TrainConfig
    run_dir: Path
    listener: OnEvent
    tokenizer: PreTrainedTokenizerBase
    learner: Learner
    sampler: TransformersSampler
    referee: Referee
    curriculum: Curriculum
    collector: Collector
    step: int = 0

    def tell(self, kind: EventKind, **data: Any) -> None:
        self.listener(Event(kind=kind, step=self.step, data=data))

    def on_round(self, phase: str) -> Any:
        return lambda finished, total: self.tell("round", finished=finished, total=total, phase=phase)


def _open_run(config: TrainConfig, run_dir: Path, on_event: OnEvent) -> _Run:
    """Builds everything, restores the newest checkpoint if there is one, and drops what was written after it."""
    find_algorithm(config.algorithm)
    shapers = [find_shaper(name) for name in config.shapers]
    _check_folder(config, run_dir)
    model, tokenizer = load_model(config.model, device=config.device)
    learner = Learner(model, config.learner, temperature=config.sampling.temperature)
    sampler = TransformersSampler(learner.model, tokenizer, max_rows=config.max_rows)
    referee = Referee(config.sandbox, config.judge)
    collector = Collector(sampler, referee, config.sampling, shapers=shapers)
    run = _Run(
        config, run_dir, on_event, tokenizer, learner, sampler, referee, Curriculum(config.games, config.seed), collector
    )
    found = checkpoints(run_dir / "checkpoints")
    if found:
        run.step = load_checkpoint(found[-1], learner, run.curriculum)
        learner.sync(sampler)
    for name in FILES:
        forget_after(run_dir / name, run.step if found else -1)
    parameters = sum(p.numel() for p in learner.model.parameters())
    run.tell(
        "start",
        config=config.to_json(),
        resumed_from=run.step,
        steps=config.steps,
        backend=referee.backend,
        parameters=parameters,
    )
    return run


def _check_folder(config: TrainConfig, run_dir: Path) -> None:
    """Makes the folder and writes `config.json`, or checks that the one there is the same but for `steps`."""
    (run_dir / "episodes").mkdir(parents=True, exist_ok=True)
    (run_dir / "checkpoints").mkdir(exist_ok=True)
    path, mine = run_dir / "config.json", json.loads(json.dumps(config.to_json()))
    if path.is_file():
        theirs = json.loads(path.read_text(encoding="utf-8"))
        odd = sorted(name for name in {*mine, *theirs} - {"steps"} if mine.get(name) != theirs.get(name))
        if odd:
            raise CheckpointError(
                f"{run_dir.name}/ holds a run with another {odd[0]}; choose another folder, or delete it to start over."
            )
    path.write_text(json.dumps(mine, indent=1), encoding="utf-8")


def _learn(run: _Run, episodes: list[Episode]) -> dict[str, float]:
    """Steps 4 to 7; a step in which nothing trains changes nothing and says so."""
    samples = samples_of(episodes, run.config.train_roles or None)
    if not samples:
        return {"tokens": 0.0}
    batch = collate(samples, pad_id=cast(int, run.tokenizer.pad_token_id or 0))
    rng = generator_of(run.config.seed, "reward", run.step)
    batch = batch.with_returns(control_returns(batch.returns_B, [tag.cell for tag in batch.tags], run.config.reward, rng))
    metrics = run.learner.update(batch, find_algorithm(run.config.algorithm))
    run.learner.sync(run.sampler)
    return metrics


def _evaluate(run: _Run) -> None:
    """Step 9, where it is due: before the first step, after the last, and every `evaluation.every`."""
    config = run.config.evaluation
    due = run.step in (0, run.config.steps) or (config.every and run.step % config.every == 0)
    tasks = load_tasks(config.tasks, run.config.games) if due else {}
    if not tasks:
        return
    kwargs = {mix.env_id: mix.kwargs for mix in run.config.games}
    result = evaluate(
        run.sampler, run.referee, tasks, config, kwargs=kwargs, seed=run.config.seed, on_round=run.on_round("evaluate")
    )
    scores = {"step": run.step, **result.scores(), "problems": result.to_json()}
    append_row(run.run_dir / "eval.jsonl", scores)
    run.tell("evaluated", scores=scores)


def _checkpoint(run: _Run) -> None:
    """Step 10, where it is due."""
    config = run.config
    if run.step == config.steps or run.step % config.checkpoint_every == 0:
        folder = run.run_dir / "checkpoints"
        path = save_checkpoint(folder, run.step, config, run.learner, run.curriculum, run.tokenizer, config.keep_checkpoints)
        run.tell("checkpoint", path=str(path))


class _Clock:
    """Seconds per stage of a step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Generator[None]:
        started = time.perf_counter()
        yield
        self.seconds[f"{stage}_s"] = time.perf_counter() - started
