"""The training loop: self-play episodes in, better weights out. See `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from selfplay_envs import Episode, write_episodes

from .batch import collate, samples_of
from .checkpoint import checkpoints, save_checkpoint
from .config import TrainConfig
from .controls import control_returns
from .evaluate import evaluate
from .events import OnEvent, ignore
from .failures import Rescue
from .heap import share_one_heap, trim_heap
from .held_out import asked_with, load_tasks
from .interrupts import interruptible
from .metrics import episode_metrics, read_rows
from .run import Run, open_run
from .seeding import generator_of
from .stages import Clock, padding_waste, throughput


def train(config: TrainConfig, run_dir: Path, on_event: OnEvent = ignore) -> Path:
    """Runs, or resumes, a training run; returns the last checkpoint, whose folder `load_model` reads.

    For every step:

    1. The curriculum says how episodes begin: fresh ones with references, replays of old tasks.
    2. The collector plays them in lanes: one sampler call, one sandbox batch and one judge batch per lane and round.
    3. The curriculum admits the new tasks, pays duplicates, masks what is held out; where constant groups are dropped, further
       episodes make up for them (`refills`).
    4. With `staleness=1` the next step's episodes begin to be played, by the policy before this step's update.
    5. The messages of the roles that the schedule trains become a token batch: sampled ids, the sampler's log-probabilities.
    6. Returns pass through the control arm (`reward="true"` leaves them alone).
    7. The learner takes its optimiser steps, one unless the config says more; advantages by named groups, loss over the global
       number of tokens.
    8. Metrics per (role, task type) go to `metrics.jsonl` and the trackers, seconds to `timings.jsonl`.
    9. The sampler gets the new weights, once nobody speaks through it, and has to prove that it speaks with them.
    10. Evaluation with its own seeds goes to `eval.jsonl`.
    11. A checkpoint is written. A run killed anywhere resumes from the last one and, on CPU, repeats the same bits.

    Ctrl-C, or SIGTERM, ends it where it is and writes a checkpoint of the last finished step; a second one ends it at once.

    Args:
        config: The run. A folder that holds a run goes on only with the same config (`steps`, and what is written how often,
            may change).
        run_dir: Folder of the run; made if need be.
        on_event: Told what happens, for displays; see `agents.events`.

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
        interruptible(lambda: run.tell("interrupted")) as interrupts,
        Rescue(run, interrupts) as rescue,
    ):
        run.learner.heed = interrupts.check
        _evaluate(run)
        while run.step < config.steps:
            with interrupts.held():
                run.step += 1
                run.clock = clock = Clock()
                rescue.remember()
            counts = _counts(run)
            with clock("collect"):
                episodes, tasks = run.curriculum.admit(run.collect())
                episodes, tasks = run.refill(episodes, tasks)
                run.collect_ahead()
            run.tell("collected", episodes=episodes)
            with interrupts.held():  # either the weights have changed and the rows say so, or neither
                with clock("update"):
                    learned = _learn(run, episodes)
                run.tell("updated", metrics=learned)
                _tell_of_silence(run, learned)
                metrics = {"step": run.step, **episode_metrics(episodes), **tasks, **learned, **run.handed_over}
                run.write("metrics.jsonl", metrics)
                if config.episodes_every and (run.step % config.episodes_every == 0 or run.step == config.steps):
                    write_episodes(run_dir / "episodes" / f"step_{run.step:06d}.jsonl", episodes)
                clock.learned = True
                with clock("collect"):
                    run.await_ahead()  # only the weights of before can play them
            with clock("sync"):
                run.hand_over()
            with clock("evaluate"):
                _evaluate(run)
            with clock("checkpoint"):
                _checkpoint(run)
            trim_heap()
            timings = {"step": run.step, **_timings(run, counts, episodes, learned)}
            run.write("timings.jsonl", timings, prefix="time/")
            run.tell("step", metrics=metrics, timings=timings)
        run.tell("end", path=str(run_dir))
    return checkpoints(run_dir / "checkpoints")[-1]


def _learn(run: Run, episodes: list[Episode]) -> dict[str, float]:
    """Steps 5 to 7; a step in which nothing trains changes nothing and says so."""
    samples = samples_of(episodes, run.trained())
    if not samples:
        return {"tokens": 0.0}
    batch = collate(samples, pad_id=cast(int, run.tokenizer.pad_token_id or 0))
    rng = generator_of(run.config.seed, "reward", run.step)
    batch = batch.with_returns(control_returns(batch.returns_B, [tag.cell for tag in batch.tags], run.config.reward, rng))
    age_B = (run.learner.policy_version - batch.version_B).double()
    age = {"staleness_mean": float(age_B.mean()), "staleness_max": float(age_B.max())}
    if not run.config.staleness:
        run.sampler.rest()
    return {**run.learner.update(batch, run.algorithm), **age}


def _tell_of_silence(run: Run, learned: dict[str, float]) -> None:
    """Says that a step taught nothing, at the first of such steps in a row."""
    silent = bool(learned.get("no_signal", run.silent))  # a step in which nobody trained says nothing of returns
    if silent and not run.silent:
        why = "in every group all returns are equal, so no advantage differs from 0"
        if not learned["tokens"]:
            why = "all messages are left out, as they were cut off, no algorithm's choice, or in groups of equal returns"
        run.tell(
            "notice",
            sentence=f"step {run.step} taught nothing: {why}; more attempts, longer replies, other tasks or a finer reward "
            "would tell replies apart.",
        )
    run.silent = silent


def _evaluate(run: Run) -> None:
    """Step 10, where it is due and was not done: before the first step, after the last, and every `evaluation.every`."""
    config = run.config.evaluation
    due = run.step in (0, run.config.steps) or (config.every and run.step % config.every == 0)
    tasks = load_tasks(config.tasks, run.config.games) if due else {}
    if not tasks or run.step in {row["step"] for row in read_rows(run.run_dir / "eval.jsonl")}:
        return
    result = evaluate(
        run.sampler,
        run.collector.referee,
        tasks,
        config,
        kwargs=asked_with(tasks, run.config.games),
        by_role=run.collector.by_role,
        seed=run.config.seed,
        on_round=run.on_round("evaluate"),
    )
    scores = {"step": run.step, **result.scores(), "problems": result.to_json()}
    run.write("eval.jsonl", scores, prefix="eval/")
    run.tell("evaluated", scores=scores)


def _checkpoint(run: Run) -> None:
    """Step 11, where it is due."""
    config = run.config
    if run.step == config.steps or run.step % config.checkpoint_every == 0:
        path = save_checkpoint(
            run.run_dir / "checkpoints",
            run.step,
            config,
            run.learner,
            run.curriculum,
            run.tokenizer,
            config.keep_checkpoints,
            run.ahead,
        )
        run.tell("checkpoint", path=str(path))


def _counts(run: Run) -> dict[str, float]:
    """Running totals of sampler and lanes."""
    return {**run.sampler.counts, **run.collector.gate.seconds}


def _timings(run: Run, before: dict[str, float], episodes: list[Episode], learned: dict[str, float]) -> dict[str, Any]:
    """The row of `timings.jsonl`: seconds by stage, tokens a second, padding."""
    now = _counts(run)
    seconds = {**run.clock.row(), **{name: now[name] - before[name] for name in ("generate_s", "verify_s")}}
    sampled = sum(len(played.reply.token_ids) for episode in episodes for played in episode.messages)
    waste = padding_waste(before, now)
    padding = {} if waste is None else {"sampler_padding_waste": waste}
    if "padding_waste" in learned:
        padding["learner_padding_waste"] = learned["padding_waste"]
    return {**seconds, **throughput({"sampled": sampled, "trained": learned["tokens"]}, seconds), **padding}
