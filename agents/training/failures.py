"""Failures of a run: what stopped it, the state saved where that is possible, and what to type to go on."""

from __future__ import annotations

import contextlib
import errno
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from selfplay_envs import Episode

from ..config.sampler import with_options
from ..core.errors import EndpointError, EngineDied, EngineFull, LossNotFinite, OutOfMemory, RunStopped, first_line
from ..hardware.memory import is_out_of_memory
from ..runs.folder import CHECKPOINTS, note_failure, saved_step
from .checkpoint import save_checkpoint
from .interrupts import Interrupts
from .run import Run

FULL_DISK = ("No space left on device", "Disk quota exceeded", "os error 28")
"""Words of libraries that pass an error of the disk on as text."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The cause that stopped a run, and its remedy."""

    kind: str
    """`memory`, `loss`, `engine` or `disk`."""
    what: str
    """Beginning of the sentence."""
    remedy: str
    """The change that helps, as a clause."""
    flags: str
    """The same as arguments of `selfplay train PRESET --resume`."""
    may_change: tuple[str, ...]
    """Settings that the resumed run may change although they change what is computed."""


def explain(error: BaseException, run: Run) -> Failure | None:
    """The failure behind an exception; None where it is nothing that a run knows a remedy for."""
    chain = _chain(error)
    if any(_is_full_disk(cause) for cause in chain):
        return Failure("disk", "the disk is full", "free some space", "", ())
    for cause in chain:
        if isinstance(cause, EngineFull):
            return _engine_failure(cause, run)
        if isinstance(cause, EndpointError):  # no sampler of a run is one
            return Failure(
                "engine", f"the judge gives no answer ({first_line(cause).rstrip('.')})", "mend that", "", ("judge",)
            )
    if any(isinstance(cause, EngineDied) for cause in chain):
        what = f"the engine behind the sampler died ({first_line(error)})"
        return Failure("engine", what, "start it again", "", ("sampler",))
    if isinstance(error, LossNotFinite):
        lr = run.config.learner.lr / 2
        may = ("learner.lr", "learner.grad_clip", "learner.warmup_steps")
        return Failure("loss", first_line(error).rstrip("."), "go on with a lower learning rate", f"--learner.lr {lr:g}", may)
    no_memory = isinstance(error, RuntimeError | MemoryError) and any(is_out_of_memory(cause) for cause in chain)
    if no_memory or isinstance(error, OutOfMemory):
        return _memory_failure(error, run)
    return None


def _engine_failure(error: EngineFull, run: Run) -> Failure:
    """An engine that finds no room finds none again, unless it is to take less."""
    may = ("sampler", "device", "max_rows")
    if not error.options:
        return Failure("engine", str(error), "change that", "", may)
    text = shlex.quote(with_options(run.config.sampler, error.options))
    return Failure("engine", str(error), "go on with that", f"--sampler {text}", may)


def _memory_failure(error: BaseException, run: Run) -> Failure:
    """The knob that helps depends on what the step was doing."""
    may = ("max_rows", "lanes", "learner.micro_batch_tokens", "learner.gradient_checkpointing", "sampler", "device")
    what = f"memory ran out ({first_line(error)})"
    if isinstance(error, OutOfMemory):
        if run.config.learner.gradient_checkpointing:
            return Failure("memory", what, "free memory, or move to a larger device,", "", may)
        return Failure("memory", what, "recompute activations", "--learner.gradient-checkpointing", may)
    if run.clock.stage == "update":
        smaller = max(1, run.config.learner.micro_batch_tokens // 2)
        return Failure("memory", what, "go on in smaller pieces", f"--learner.micro-batch-tokens {smaller}", may)
    smaller = max(1, run.config.max_rows // 2)
    return Failure("memory", what, "go on with fewer replies at a time", f"--max-rows {smaller}", may)


class Rescue:
    """Context manager around the steps of a run: keeps what the state was before a step, and turns failures into `RunStopped`.

    An interrupt passes through, but saves the last step that was finished, unless a second one came.

    Args:
        run: Whose steps they are.
        interrupts: Of the run.

    Raises:
        RunStopped: Memory, disk, engine or loss failed. What can be saved is saved, so that resuming repeats nothing else.
    """

    def __init__(self, run: Run, interrupts: Interrupts) -> None:
        self._run = run
        self._interrupts = interrupts
        self._before: _Before | None = None

    def remember(self) -> None:
        """Keeps the state at the beginning of a step: references, not copies of tasks and episodes."""
        run = self._run
        self._before = _Before(
            curriculum=run.episodes.curriculum.state_dict(),
            algorithm_state={name: dict(values) for name, values in run.learner.algorithm_state.items()},
            weights=_weights(run),
            ahead=run.episodes.ahead,
        )

    def __enter__(self) -> Rescue:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        run = self._run
        if isinstance(error, KeyboardInterrupt) and self._interrupts.count < 2:
            run.episodes.stop()
            self._save(run.config.keep_checkpoints)
        if not isinstance(error, Exception):
            return
        failure = explain(error, run)
        if failure is None:
            return
        run.episodes.stop()
        broken = failure.kind == "loss" and run.clock.learned  # these weights are the failure
        if failure.kind != "disk" and not broken:
            self._save(run.config.keep_checkpoints + 1)  # the one before stays, should these weights be the cause
        step = saved_step(run.run_dir)
        kept = f"the run is saved after step {step}" if step else "nothing is saved yet, so the run starts over"
        with contextlib.suppress(OSError):  # a full disk has no room for this note either, and its remedy needs none
            note_failure(run.run_dir, run.step, failure.kind, failure.may_change)
        sentence = f"step {run.step}: {failure.what}; {kept}; {failure.remedy} and resume"
        raise RunStopped(sentence, flags=failure.flags) from error

    def _save(self, keep: int) -> None:
        """Writes a checkpoint of the last moment that can be trusted, unless there is one already, and keeps so many."""
        run, before, state = self._run, self._before, self._run.state()
        if run.clock.learned:
            pass  # what the step still lacks is done when the run resumes
        elif before is not None and before.weights == _weights(run):
            state = replace(state, step=run.step - 1, inflight=before.ahead)
            run.episodes.curriculum.load_state_dict(before.curriculum)
            run.learner.algorithm_state = before.algorithm_state
        else:
            return
        if state.step <= saved_step(run.run_dir):
            return
        with contextlib.suppress(OSError, RuntimeError, MemoryError):  # what stopped the run is what a person has to read
            run.emit("checkpoint", path=str(save_checkpoint(run.run_dir / CHECKPOINTS, state, keep)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """The state of a run at the beginning of a step."""

    curriculum: Mapping[str, Any]
    algorithm_state: dict[str, dict[str, float]]
    weights: tuple[float, int]
    ahead: list[Episode] | None


def _weights(run: Run) -> tuple[float, int]:
    """Steps that the optimiser has counted, over all weights, and their version: both stay where an update changed nothing."""
    steps = sum(float(state.get("step", 0)) for state in run.learner.optimizer.state.values())
    return steps, run.learner.policy_version


def _chain(error: BaseException) -> list[BaseException]:
    """An exception and what caused it."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return any(sign.lower() in str(error).lower() for sign in FULL_DISK)
