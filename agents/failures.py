"""When a run has to stop, or is asked to: the state saved where that is possible, what happened, what to type to go on."""

from __future__ import annotations

import contextlib
import errno
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checkpoint import checkpoints, save_checkpoint
from .device_memory import is_out_of_memory
from .errors import EngineDied, EngineFull, LossNotFinite, OutOfMemory, RunStopped
from .sampler_text import with_options

if TYPE_CHECKING:
    from selfplay_envs import Episode

    from .interrupts import Interrupts
    from .run import Run

NOTE = "failure.json"
DISK_SIGNS = ("No space left on device", "Disk quota exceeded", "os error 28")


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped a run."""

    kind: str
    """`memory`, `loss`, `engine` or `disk`."""
    what: str
    """Beginning of the sentence."""
    remedy: str
    """What to change, as a clause."""
    flags: str
    """The same as arguments of `selfplay train PRESET --resume`."""
    may_change: tuple[str, ...]
    """Settings that the resumed run may change although they change what is computed."""


def explain(error: BaseException, run: Run) -> Failure | None:
    """The failure behind an exception; None where it is nothing that a run knows a remedy for."""
    texts = [str(one) for one in _chain(error)]
    if any(isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT) for one in _chain(error)) or _says(
        texts, DISK_SIGNS
    ):
        return Failure("disk", "the disk is full", "free some space", "", ())
    for one in _chain(error):
        if isinstance(one, EngineFull):
            return _engine_failure(one, run)
    if any(isinstance(one, EngineDied) for one in _chain(error)):
        return Failure("engine", f"the engine behind the sampler died ({_short(error)})", "start it again", "", ("sampler",))
    if isinstance(error, LossNotFinite) or (isinstance(error, ValueError) and str(error).startswith("the loss is ")):
        lr = run.config.learner.lr / 2
        may = ("learner.lr", "learner.grad_clip", "learner.warmup_steps")
        return Failure("loss", _short(error).rstrip("."), "go on with a lower learning rate", f"--learner.lr {lr:g}", may)
    memory = isinstance(error, RuntimeError | MemoryError) and any(is_out_of_memory(one) for one in _chain(error))
    if memory or isinstance(error, OutOfMemory):
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
    """Which knob helps depends on what the step was doing."""
    may = ("max_rows", "lanes", "learner.micro_batch_tokens", "learner.gradient_checkpointing", "sampler", "device")
    what = f"memory ran out ({_short(error)})"
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
            curriculum=run.curriculum.state_dict(),
            memory={name: dict(own) for name, own in run.learner.memory.items()},
            optimizer_steps=_optimizer_steps(run),
            policy_version=run.learner.policy_version,
            ahead=run.ahead,
        )

    def __enter__(self) -> Rescue:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KeyboardInterrupt) and self._interrupts.asked < 2:
            self._run.stop_flight()
            self._save(self._run.config.keep_checkpoints)
        if not isinstance(error, Exception):
            return
        failure = explain(error, self._run)
        if failure is None:
            return
        self._run.stop_flight()
        broken = failure.kind == "loss" and self._run.clock.learned  # these weights are the failure
        if failure.kind != "disk" and not broken:
            self._save(self._run.config.keep_checkpoints + 1)  # the one before stays, should these weights be the cause
        step = _newest(self._run)
        kept = f"the run is saved after step {step}" if step else "nothing is saved yet, so the run starts over"
        with contextlib.suppress(OSError):  # a full disk has no room for this note either, and its remedy needs none
            note = {"step": self._run.step, "kind": failure.kind, "may_change": failure.may_change}
            (self._run.run_dir / NOTE).write_text(json.dumps(note), encoding="utf-8")
        raise RunStopped(
            f"step {self._run.step}: {failure.what}; {kept}; {failure.remedy} and resume", flags=failure.flags
        ) from error

    def _save(self, keep: int) -> None:
        """Writes a checkpoint of the last moment that can be trusted, unless there is one already, and keeps so many."""
        run, before = self._run, self._before
        if run.clock.learned:
            step, inflight = run.step, run.ahead  # what the step still lacks is done when the run resumes
        elif before is not None and (_optimizer_steps(run), run.learner.policy_version) == (
            before.optimizer_steps,
            before.policy_version,
        ):
            step, inflight = run.step - 1, before.ahead
            run.curriculum.load_state_dict(before.curriculum)
            run.learner.memory = before.memory
        else:
            return
        if step <= _newest(run):
            return
        folder = run.run_dir / "checkpoints"
        with contextlib.suppress(OSError, RuntimeError, MemoryError):  # what stopped the run is what is to be told
            path = save_checkpoint(folder, step, run.config, run.learner, run.curriculum, run.tokenizer, keep, inflight)
            run.tell("checkpoint", path=str(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    curriculum: Mapping[str, Any]
    memory: dict[str, dict[str, float]]
    optimizer_steps: float
    policy_version: int
    ahead: list[Episode] | None


def _optimizer_steps(run: Run) -> float:
    """Steps that the optimiser has counted, over all weights: tells whether a failed update changed any."""
    return sum(float(state.get("step", 0)) for state in run.learner.optimizer.state.values())


def _newest(run: Run) -> int:
    found = checkpoints(run.run_dir / "checkpoints")
    return int(found[-1].name.removeprefix("step_")) if found else 0


def may_change(run_dir: Path) -> tuple[str, ...]:
    """Settings that a run which failed may be resumed with, as its `failure.json` says; none where it did not fail."""
    path = run_dir / NOTE
    return tuple(json.loads(path.read_text(encoding="utf-8"))["may_change"]) if path.is_file() else ()


def forget_failure(run_dir: Path) -> None:
    """Removes the note of a failure: the run goes on."""
    (run_dir / NOTE).unlink(missing_ok=True)


def _chain(error: BaseException) -> list[BaseException]:
    """An exception and what caused it."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def _says(texts: list[str], signs: tuple[str, ...]) -> bool:
    return any(sign.lower() in text.lower() for text in texts for sign in signs)


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
