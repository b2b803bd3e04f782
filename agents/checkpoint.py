"""Checkpoints: one folder per step, written beside and moved into place, with all that a run needs to go on bit for bit.

    step_000050/
        state.json        step, written last; a folder without it is no checkpoint
        config.json       the run's TrainConfig
        curriculum.json   every task buffer
        learner.pt        trained weights, optimiser, policy version
        inflight.jsonl    with staleness 1: the next step's episodes, tokens included, as the policy before played them
        model/            weights and tokenizer for `load_model`; a LoRA adapter is merged in, of several that of who answers,
                          and what it changes is float32
        adapters/NAME/    with LoRA, each adapter alone: `PeftModel.from_pretrained(base, "adapters/solver")`; NAME is its role,
                          or `default` where all roles share one

Every file is on the disk (fsync) before the folder gets its name, and the name is on the disk before an older checkpoint
goes: a kill, or a power cut, at any byte leaves the folder before. Random numbers need no entry: every draw is named by
(seed, step, ...) and not by a generator's state.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from transformers import PreTrainedTokenizerBase

from selfplay_envs import Episode, read_episodes, write_episodes
from selfplay_envs.registration import answering_roles

from .adapters import adapter_names, merged_adapter
from .config import TrainConfig
from .curriculum import Curriculum
from .errors import CheckpointError
from .learner import Learner
from .lora import merged_weights, save_adapter
from .models import quiet_transformers

INFLIGHT = "inflight.jsonl"
ADAPTERS = "adapters"
"""Of a checkpoint of a run with LoRA: a folder per adapter, named as its role, or `default` where all roles share one."""


def save_checkpoint(
    folder: Path,
    step: int,
    config: TrainConfig,
    learner: Learner,
    curriculum: Curriculum,
    tokenizer: PreTrainedTokenizerBase,
    keep: int,
    inflight: Sequence[Episode] | None = None,
) -> Path:
    """Writes `folder/step_NNNNNN` atomically and then removes all but the newest `keep`; returns its path.

    Args:
        folder: Of all checkpoints.
        step: That was finished.
        config: Of the run.
        learner: Whose state is saved.
        curriculum: As it is after that step.
        tokenizer: Saved beside the weights.
        keep: Checkpoints that stay, this one included.
        inflight: Episodes that are already played for the next step.

    Raises:
        OSError: They cannot be written, as on a full disk; what was written is removed, older checkpoints stay.
    """
    sweep(folder)
    target, temporary = folder / f"step_{step:06d}", folder / f".new_{step:06d}"
    temporary.mkdir(parents=True)
    try:
        with (temporary / "learner.pt").open("wb") as file:
            torch.save(learner.state_dict(), file)
        answers = answering_roles(mix.env_id for mix in config.games)
        export_model(learner, tokenizer, temporary / "model", answers)
        for name in adapter_names(learner.model):
            save_adapter(learner.model, name, temporary / ADAPTERS / name, learner.trainable)
        (temporary / "config.json").write_text(json.dumps(config.to_json(), indent=1), encoding="utf-8")
        (temporary / "curriculum.json").write_text(json.dumps(curriculum.state_dict()), encoding="utf-8")
        if inflight is not None:
            write_episodes(temporary / INFLIGHT, inflight, tokens=True)
        (temporary / "state.json").write_text(json.dumps({"step": step}), encoding="utf-8")
        for path in (*temporary.rglob("*"), temporary):
            flush_to_disk(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    if target.exists():
        target.rename(folder / f".old_{target.name}")
    temporary.rename(target)
    flush_to_disk(folder)
    for old in checkpoints(folder)[:-keep]:
        old.rename(folder / f".old_{old.name}")  # in one go: a half-deleted folder must not look like a checkpoint
    sweep(folder)
    return target


def checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints in a folder, oldest first."""
    return sorted(path.parent for path in folder.glob("step_*/state.json"))


def load_checkpoint(path: Path, learner: Learner, curriculum: Curriculum) -> int:
    """Restores learner and curriculum; returns the step that was finished.

    Raises:
        CheckpointError: A file is missing or damaged, or belongs to another model.
    """
    try:
        step = json.loads((path / "state.json").read_text(encoding="utf-8"))["step"]
        curriculum.load_state_dict(json.loads((path / "curriculum.json").read_text(encoding="utf-8")))
        state = torch.load(path / "learner.pt", map_location="cpu", weights_only=True)
        learner.load_state_dict(cast(dict[str, Any], state))
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise CheckpointError(
            f"checkpoint {path.name} cannot be resumed ({reason[0][:200]}); delete that folder to go on from the one before."
        ) from error
    return int(step)


def load_inflight(path: Path) -> list[Episode] | None:
    """The episodes that a checkpoint holds for the next step; None where it holds none.

    Raises:
        UsageError: A line is damaged; names it.
    """
    return list(read_episodes(path / INFLIGHT)) if (path / INFLIGHT).is_file() else None


def export_model(learner: Learner, tokenizer: PreTrainedTokenizerBase, folder: Path, answers: Sequence[str]) -> None:
    """Writes weights and tokenizer as `from_pretrained` and `load_model` read them.

    Where every role has an adapter of its own, that of the first of `answers` is merged in, the roles that evaluation asks (or
    the first role's, where none answers). Each alone lies beside it, in `adapters/`, as peft reads it. Merged weights are
    float32, and config.json says so, even where the base is bfloat16: rounded, they would have forgotten most of what a short
    run changed. To speak in bfloat16, load the base and its adapter.
    """
    model: Any = learner.model
    names = adapter_names(model)
    weights = merged_weights(model, merged_adapter(names, answers), learner.trainable) if names else None
    with quiet_transformers():
        (model.get_base_model() if names else model).save_pretrained(folder, state_dict=weights)
    if names:
        path, dtype = folder / "config.json", torch.promote_types(model.dtype, torch.float32)
        said = {**json.loads(path.read_text(encoding="utf-8")), "dtype": str(dtype).removeprefix("torch.")}
        path.write_text(json.dumps(said, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    tokenizer.save_pretrained(folder)


def flush_to_disk(path: Path) -> None:
    """Returns when a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Removes what a killed writer left, and checkpoints that have lost their name."""
    for left in (*folder.glob(".new_*"), *folder.glob(".old_*"), *folder.glob(".step_*")):
        shutil.rmtree(left)
