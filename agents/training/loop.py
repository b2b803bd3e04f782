"""The training loop: self-play episodes in, better weights out. See `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from selfplay_envs import Episode, write_episodes
from selfplay_envs.rewards.controls import control_arm

from ..batching.batch import collate, samples_of, trains
from ..config.run import TrainConfig
from ..core.seeding import generator_of
from ..evaluation.evaluate import evaluate_sets
from ..evaluation.task_sets import task_sets
from ..hardware.heap import share_one_heap, trim_heap
from ..runs.events import OnEvent, ignore
from ..runs.folder import CHECKPOINTS, MODELS, checkpoints, step_in
from ..runs.metrics import episode_metrics
from ..runs.rows import read_rows
from ..runs.timings import padding_waste, throughput
from ..samplers.stats import stats_of
from .assembly import open_run
from .checkpoint import keep_model, save_checkpoint
from .failures import Rescue
from .interrupts import interruptible
from .run import Run

AGAINST_SAMPLER = ("approx_kl", "clip_fraction", "ratio_mean", "ratio_min", "ratio_max")
"""Metrics of an update that compare the learner with whoever sampled."""


def train(config: TrainConfig, run_dir: Path, on_event: OnEvent = ignore) -> Path:
    """Runs, or resumes, a training run; returns the last checkpoint, whose folder `load_model` reads.

    For every step:

    1. The curriculum says how episodes begin: fresh ones with references, replays of old tasks, fixed tasks.
    2. The collector plays them in lanes: one sampler call, one sandbox batch and one judge batch per lane and round. Replies
       that are to be imitated are given, not sampled.
    3. The curriculum admits the new tasks, prices duplicates, masks what is held out; where constant groups are dropped,
       further episodes make up for them (`refills`). With `tokens_per_step`, as many episodes train as hold these tokens.
    4. With `staleness=1` the next step's episodes begin to be played, by the policy before this step's update.
    5. The messages of the roles that the schedule trains become a token batch: sampled ids, the sampler's log-probabilities.
    6. Returns pass through the control arm (`reward="true"` leaves them alone).
    7. The learner takes its optimiser steps, one unless the config says more; advantages by named groups, loss over the global
       number of tokens.
    8. Metrics per (role, task type) go to `metrics.jsonl` and the trackers, seconds to `timings.jsonl`.
    9. The sampler gets the new weights, once nothing samples from it, and has to prove that it uses them.
    10. Evaluation with its own seeds goes to `eval.jsonl`.
    11. A checkpoint is written. A run killed anywhere resumes from the last one and, on CPU, repeats the same bits.

    Ctrl-C, or SIGTERM, ends it where it is and writes a checkpoint of the last finished step; a second one ends it at once.

    Args:
        config: The run. A folder that holds a run goes on only with the same config (`steps`, and what is written how often,
            may change).
        run_dir: Folder of the run; made if need be.
        on_event: Called with what happens, for displays; see `agents.runs.events`.

    Raises:
        KeyboardInterrupt: It was asked to end.
        RunStopped: Memory, disk, engine or loss failed; the state is saved, the sentence says how to go on.
        CheckpointError: `run_dir` holds a run of another config, or its checkpoint is damaged.
        ModelUnavailable: The model cannot be loaded here.
        SandboxUnavailable: The sandbox cannot run here.
        ValueError: A name in the config is not known.
    """
    share_one_heap()
    with (
        open_run(config, run_dir, on_event) as run,
        interruptible(lambda: run.emit("interrupted")) as interrupts,
        Rescue(run, interrupts) as rescue,
    ):
        run.learner.heed = interrupts.check
        _evaluate(run)
        _keep_model(run)
        while run.step < config.steps:
            with interrupts.held():
                run.begin_step()
                rescue.remember()
            counts = _counts(run)
            with run.clock("collect"):
                episodes, tasks = run.episodes.collect(run.step, run.trained())  # 1 to 3
                run.episodes.begin_next(run.step)  # 4
            run.emit("collected", episodes=episodes)
            with interrupts.held():  # either the weights have changed and the rows say so, or neither
                with run.clock("update"):
                    learned = _learn(run, episodes)  # 5 to 7
                run.emit("updated", metrics=learned)
                _notice_silence(run, learned)
                metrics = _write_metrics(run, episodes, tasks, learned)  # 8
                run.clock.learned = True
                with run.clock("collect"):
                    run.episodes.finish_next(run.step)  # only the weights of before can play them
            with run.clock("sync"):
                run.weight_sync.push()  # 9
            with run.clock("evaluate"):
                _evaluate(run)  # 10
            with run.clock("checkpoint"):
                _save(run)  # 11
            trim_heap()
            timings = {"step": run.step, **_timings(run, counts, episodes, learned)}
            run.log.write("timings.jsonl", timings, prefix="time/")
            run.emit("step", metrics=metrics, timings=timings)
        run.emit("end", path=str(run_dir))
    return checkpoints(run_dir / CHECKPOINTS)[-1]


def _learn(run: Run, episodes: list[Episode]) -> dict[str, float]:
    """Steps 5 to 7; a step in which nothing trains changes nothing and says so."""
    roles = run.trained()
    rng = generator_of(run.config.seed, "reward", run.step)
    samples = samples_of(control_arm(episodes, lambda turn: trains(turn, roles), run.config.reward, rng), roles)
    if not samples:
        return {"tokens": 0.0}
    batch = collate(samples, pad_id=cast(int, run.tokenizer.pad_token_id or 0))
    age_B = (run.learner.policy_version - batch.version_B).double()
    age = {"staleness_mean": float(age_B.mean()), "staleness_max": float(age_B.max())}
    if not run.config.staleness:
        run.release_memory()
    learned = run.learner.update(batch, run.algorithm)
    if any(sample.reply.given for sample in samples):  # nobody sampled them, so there is no ratio to a sampler's policy
        learned = {name: value for name, value in learned.items() if name not in AGAINST_SAMPLER}
    return {**learned, **age}


def _notice_silence(run: Run, learned: dict[str, float]) -> None:
    """Says that a step taught nothing, at the first of such steps in a row."""
    silent = bool(learned.get("no_signal", run.silent))  # a step in which nobody trained says nothing of returns
    if silent and not run.silent:
        why = "in every group all returns are equal, so no advantage differs from 0"
        if not learned["tokens"]:
            why = "all messages are left out, as they were cut off, no algorithm's choice, or in groups of equal returns"
        run.emit(
            "notice",
            sentence=f"step {run.step} taught nothing: {why}; more attempts, longer replies, other tasks or a finer reward "
            "would tell replies apart.",
        )
    run.silent = silent


def _write_metrics(run: Run, episodes: list[Episode], tasks: dict[str, float], learned: dict[str, float]) -> dict[str, Any]:
    """Step 8: the row of `metrics.jsonl`, which it returns, and the episodes themselves where they are due."""
    sampled = {"sampled_tokens": _sampled_tokens(episodes)}
    metrics = {"step": run.step, **episode_metrics(episodes), **tasks, **sampled, **learned, **run.weight_sync.metrics}
    run.log.write("metrics.jsonl", metrics)
    every = run.config.episodes_every
    if every and (run.step % every == 0 or run.step == run.config.steps):
        path = run.run_dir / "episodes" / f"step_{run.step:06d}.jsonl"
        write_episodes(path, episodes, tokens=run.config.record_tokens)
    return metrics


def _evaluate(run: Run) -> None:
    """Step 10, where it is due and was not done: before the first step, after the last, and every `evaluation.every`."""
    config = run.config.evaluation
    due = (run.step == 0 and config.before) or run.step == run.config.steps
    due = due or bool(run.step and config.every and run.step % config.every == 0)
    if not due or config.tasks == "none" or run.step in {row["step"] for row in read_rows(run.run_dir / "eval.jsonl")}:
        return
    collector = run.episodes.collector
    result = evaluate_sets(
        run.sampler,
        run.examiner,
        task_sets(config, run.config.games),
        config,
        by_role=collector.by_role,
        seed=run.config.seed,
        on_round=run.log.on_round(run.step, "evaluate"),
    )
    scores = {"step": run.step, **result.scores(), "problems": result.to_json()}
    run.log.write("eval.jsonl", scores, prefix="eval/")
    run.emit("evaluated", scores=scores)


def _save(run: Run) -> None:
    """Step 11, where it is due; models that stay for ever too."""
    _keep_model(run)
    if run.step == run.config.steps or run.step % run.config.checkpoint_every == 0:
        path = save_checkpoint(run.run_dir / CHECKPOINTS, run.state(), run.config.keep_checkpoints)
        run.emit("checkpoint", path=str(path))


def _keep_model(run: Run) -> None:
    """Keeps the model where that is due and was not done, as where a run was interrupted between its update and this."""
    every, folder = run.config.keep_models_every, run.run_dir / MODELS
    if every and run.step and run.step % every == 0 and run.step not in map(step_in, checkpoints(folder)):
        keep_model(folder, run.state())


def _counts(run: Run) -> dict[str, float]:
    """Running totals of sampler and lanes."""
    return {**stats_of(run.sampler).to_json(), **run.episodes.collector.gate.seconds}


def _timings(run: Run, before: dict[str, float], episodes: list[Episode], learned: dict[str, float]) -> dict[str, Any]:
    """The row of `timings.jsonl`: seconds by stage, tokens a second, padding."""
    now = _counts(run)
    seconds = {**run.clock.row(), **{name: now[name] - before[name] for name in ("generate_s", "verify_s")}}
    sampled = _sampled_tokens(episodes)
    waste = padding_waste(before, now)
    padding = {} if waste is None else {"sampler_padding_waste": waste}
    if "padding_waste" in learned:
        padding["learner_padding_waste"] = learned["padding_waste"]
    return {**seconds, **throughput({"sampled": sampled, "trained": learned["tokens"]}, seconds), **padding}


def _sampled_tokens(episodes: list[Episode]) -> int:
    """Tokens that a sampler drew; not those of replies that were given."""
    return sum(len(turn.reply.token_ids) for episode in episodes for turn in episode.messages if not turn.reply.given)
