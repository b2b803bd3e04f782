"""Faults put into a run: each ends it with one sentence, a state that can be trusted, and a run that goes on from there."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.config.learner import LearnerConfig
from agents.config.run import EvalConfig, GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.core.errors import CheckpointError, EngineDied, EngineFull, LossNotFinite, RunStopped
from agents.learner import logprobs as scorer
from agents.learner.learner import Learner
from agents.learner.optimizer import WeightOptimizer
from agents.runs.folder import checkpoints
from agents.runs.rows import read_rows
from agents.samplers.transformers import TransformersSampler
from agents.training import checkpoint
from agents.training.loop import train
from tests.helpers.finished_runs import files_of
from tests.helpers.toys import GAME

CPU_MEMORY = "[enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."


@pytest.fixture
def config(model_folder: Path) -> TrainConfig:
    return TrainConfig(
        model=str(model_folder),
        games=(GameMix(env_id=GAME, kwargs={"attempts": 3}, fresh=4, replay=2),),
        steps=5,
        sampling=Sampling(max_new_tokens=6),
        learner=LearnerConfig(lr=3e-3),
        evaluation=EvalConfig(),
        sandbox="process:hash-seeds=1+2+3+4+5+6+7+8",
        checkpoint_every=100,
        episodes_every=2,
        device="cpu",
        lanes=2,
    )


def fail_at(call: int, function: Callable[..., Any], error: Exception, *, lanes: bool = False) -> Callable[..., Any]:
    """`function`, which raises `error` at its call of that number, from 1, and works at all others.

    With `lanes`, calls from elsewhere than a lane's thread do not count.
    """
    calls: Iterator[int] = iter(range(1, 1 << 30))

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        counts = not lanes or threading.current_thread().name.startswith("lane-")
        if counts and next(calls) == call:
            raise error
        return function(*args, **kwargs)

    return wrapper


def stopped(config: TrainConfig, folder: Path) -> RunStopped:
    with pytest.raises(RunStopped) as raised:
        train(config, folder)
    assert "\n" not in str(raised.value)
    return raised.value


def names(folder: Path) -> list[str]:
    assert not list((folder / "checkpoints").glob(".*"))
    return [path.name for path in checkpoints(folder / "checkpoints")]


@pytest.mark.parametrize("staleness", [0, 1])
@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), MemoryError()])
def test_memory_that_runs_out_in_the_update(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, staleness: int
) -> None:
    config = replace(config, staleness=staleness)
    train(config, tmp_path / "whole")
    monkeypatch.setattr(Learner, "update", fail_at(3, Learner.update, error))
    failure = stopped(config, tmp_path / "run")
    assert "step 3: memory ran out" in str(failure)
    assert "the run is saved after step 2" in str(failure)
    assert failure.flags == f"--learner.micro-batch-tokens {config.learner.micro_batch_tokens // 2}"
    assert names(tmp_path / "run") == ["step_000002"]
    train(config, tmp_path / "run")
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")


def test_where_not_one_message_fits_smaller_pieces_are_not_the_advice(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(scorer, "score", full)
    failure = stopped(config, tmp_path)
    assert "memory ran out (memory does not suffice for a single message of" in str(failure)
    assert failure.flags == "--learner.gradient-checkpointing"
    helped = replace(config, learner=replace(config.learner, gradient_checkpointing=True))
    assert stopped(helped, tmp_path).flags == ""
    monkeypatch.undo()
    assert train(helped, tmp_path).name == "step_000005"
    assert "micro_batch_tokens" not in read_rows(tmp_path / "metrics.jsonl")[-1]  # it went on with whole pieces


def test_a_failed_run_may_go_on_with_what_helps_and_with_nothing_else(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Learner, "update", fail_at(2, Learner.update, torch.OutOfMemoryError("CUDA out of memory")))
    stopped(config, tmp_path)
    with pytest.raises(CheckpointError, match=r"another learner\.lr"):
        train(replace(config, learner=replace(config.learner, lr=1e-5)), tmp_path)
    smaller = replace(config, learner=replace(config.learner, micro_batch_tokens=64))
    assert train(smaller, tmp_path).name == "step_000005"
    with pytest.raises(CheckpointError, match=r"another learner\.micro_batch_tokens"):
        train(config, tmp_path)


def test_memory_that_runs_out_while_sampling(config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(config, tmp_path / "whole")
    # two lanes with two rounds each: calls 9 to 12 are those of step 3
    monkeypatch.setattr(
        TransformersSampler, "generate", fail_at(10, TransformersSampler.generate, RuntimeError(CPU_MEMORY), lanes=True)
    )
    failure = stopped(config, tmp_path / "run")
    assert "step 3: memory ran out ([enforce fail" in str(failure)
    assert failure.flags == "--max-rows 256"
    assert names(tmp_path / "run") == ["step_000002"]
    train(config, tmp_path / "run")
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")


def test_an_engine_that_dies_under_way_loses_only_what_was_in_flight(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, staleness=1)
    # step 1 is calls 1 to 4; step 2 is played beside update 1 (5 to 8), step 3 beside update 2 (9 to 12)
    dead = EngineDied("the engine process ended with code -9")
    monkeypatch.setattr(TransformersSampler, "generate", fail_at(11, TransformersSampler.generate, dead, lanes=True))
    failure = stopped(config, tmp_path)
    assert "step 2: the engine behind the sampler died (the engine process ended with code -9)" in str(failure)
    assert "the run is saved after step 2; start it again and resume" in str(failure)
    assert failure.__cause__ is dead
    assert names(tmp_path) == ["step_000002"]
    assert train(config, tmp_path).name == "step_000005"


def test_an_engine_without_room_goes_on_with_a_smaller_share(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, sampler="transformers:copy,max_rows=64")
    options = {"max_rows": "32"}  # stands for what an engine would name
    full = EngineFull("the device has no room for vLLM beside the learner; lower vllm:gpu_memory_utilization to 0.38", options)
    monkeypatch.setattr(
        TransformersSampler, "load_weights", fail_at(3, TransformersSampler.load_weights, full)
    )  # after the second step
    failure = stopped(config, tmp_path)
    assert "to 0.38; the run is saved after step 2; go on with that and resume" in str(failure)
    assert failure.flags == "--sampler transformers:copy,max_rows=32"
    monkeypatch.undo()
    smaller = replace(config, sampler="transformers:copy,max_rows=32")
    assert train(smaller, tmp_path).name == "step_000005"


def test_an_engine_for_which_nothing_fits_names_no_flag(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = EngineFull("no room; put the learner on another device (device=cuda:1)", {})
    monkeypatch.setattr(TransformersSampler, "load_weights", fail_at(2, TransformersSampler.load_weights, full))
    failure = stopped(config, tmp_path)
    assert "(device=cuda:1); the run is saved after step 1; change that and resume" in str(failure)
    assert failure.flags == ""


@pytest.mark.parametrize("text", ["CUDA error: out of memory\nCompile with ...", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED"])
def test_memory_that_a_device_or_its_libraries_lack_is_known(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(Learner, "update", fail_at(1, Learner.update, RuntimeError(text)))
    assert "step 1: memory ran out (CUDA error" in str(stopped(config, tmp_path))


def test_weights_that_are_no_numbers_are_never_saved(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, checkpoint_every=1)
    train(replace(config, steps=2), tmp_path)
    (tmp_path / "failure.json").write_text('{"may_change": ["learner.lr"]}')
    failure = stopped(replace(config, learner=replace(config.learner, lr=1e39)), tmp_path)
    assert "step 3: the weights are no longer finite after the update; the run is saved after step 2" in str(failure)
    assert "go on with a lower learning rate and resume" in str(failure)
    assert failure.flags == "--learner.lr 5e+38"
    assert names(tmp_path) == ["step_000001", "step_000002"]
    assert train(config, tmp_path).name == "step_000005"


def test_a_loss_that_is_not_finite_resumes_with_a_lower_rate(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Learner, "update", fail_at(4, Learner.update, LossNotFinite("the loss is inf at policy version 3.")))
    failure = stopped(config, tmp_path)
    assert "step 4: the loss is inf at policy version 3; the run is saved after step 3" in str(failure)
    lower = replace(config, learner=replace(config.learner, lr=1.5e-3))
    assert failure.flags == "--learner.lr 0.0015"
    assert train(lower, tmp_path).name == "step_000005"


@pytest.mark.parametrize(("steps", "call"), [({}, 3), ({"epochs": 2}, 6), ({"mini_batches": 2}, 5)])
def test_a_gradient_that_is_not_finite_changes_nothing_in_whichever_step(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: dict[str, Any], call: int
) -> None:
    config = replace(config, learner=replace(config.learner, **steps))
    train(config, tmp_path / "whole")
    step, calls = WeightOptimizer.step, iter(range(1, 1 << 30))

    def poisoned(self: WeightOptimizer) -> dict[str, float]:
        if next(calls) == call:
            next(weight.grad for weight in self.weights.values() if weight.grad is not None)[0] = float("nan")
        return step(self)

    monkeypatch.setattr(WeightOptimizer, "step", poisoned)
    failure = stopped(config, tmp_path / "run")
    assert f"step 3: the gradient's norm is nan at optimiser step {call}; the run is saved after step 2" in str(failure)
    assert failure.flags == "--learner.lr 0.0015"
    monkeypatch.undo()
    train(config, tmp_path / "run")  # as nothing was changed, it goes on as if nothing had been
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")


@pytest.mark.parametrize("file", ["metrics.jsonl", "timings.jsonl", "episodes/step_000004.jsonl"])
def test_a_full_disk_keeps_the_checkpoint_before(config: TrainConfig, tmp_path: Path, file: str) -> None:
    config = replace(config, checkpoint_every=1)
    train(config, tmp_path / "whole")
    train(replace(config, steps=3, episodes_every=0), tmp_path / "run")
    path = tmp_path / "run" / file
    kept = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/full")  # every byte written there is refused with ENOSPC
    failure = stopped(config, tmp_path / "run")
    assert "step 4: the disk is full; the run is saved after step " in str(failure)
    assert "free some space and resume" in str(failure)
    assert names(tmp_path / "run")[-1] == ("step_000004" if file == "timings.jsonl" else "step_000003")
    path.unlink()
    if kept is not None:
        path.write_bytes(kept)
    train(config, tmp_path / "run")
    whole, resumed = files_of(tmp_path / "whole"), files_of(tmp_path / "run")
    assert {name: resumed[name] for name in whole if not name.startswith("step_00000")} == {
        name: whole[name] for name in whole if not name.startswith("step_00000")
    }


def test_a_full_disk_while_a_checkpoint_is_written(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config, checkpoint_every=2)
    train(config, tmp_path / "whole")
    save = torch.save

    def full(state: Any, file: Any) -> None:
        if state["policy_version"] == 4:
            with Path("/dev/full").open("wb") as nowhere:
                save(state, nowhere)
        save(state, file)

    monkeypatch.setattr(checkpoint.torch, "save", full)
    failure = stopped(config, tmp_path / "run")
    assert "step 4: the disk is full; the run is saved after step 2" in str(failure)
    assert names(tmp_path / "run") == ["step_000002"]
    monkeypatch.undo()
    train(config, tmp_path / "run")
    assert files_of(tmp_path / "run") == files_of(tmp_path / "whole")


@pytest.mark.parametrize("text", ["I/O error: No space left on device (os error 28)", "Disk quota exceeded"])
def test_other_libraries_words_for_a_full_disk(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(checkpoint, "export_model", fail_at(1, checkpoint.export_model, RuntimeError(text)))
    assert "the disk is full" in str(stopped(config, tmp_path))


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a bug"),
        RuntimeError("shapes differ"),
        RuntimeError("my cache is out of memory slots"),
        OSError(errno.EACCES, "not yours"),
    ],
)
def test_other_errors_come_through_as_they_are(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Learner, "update", fail_at(1, Learner.update, error))
    with pytest.raises(type(error)) as raised:
        train(config, tmp_path)
    assert raised.value is error
