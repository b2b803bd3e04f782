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
import pickle
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from transformers import PreTrainedTokenizerBase

from selfplay_envs import Episode, read_episodes, write_episodes
from selfplay_envs.names.registration import answering_roles

from ..config.run import TrainConfig
from ..core.errors import CheckpointError, first_line
from ..core.files import flush_to_disk
from ..learner.learner import Learner
from ..models.adapters import adapter_names
from ..models.loading import quiet_transformers
from ..models.weights import merged_weights, save_adapter
from ..rollouts.curriculum import Curriculum
from ..runs.adapters import ADAPTERS, merged_adapter
from ..runs.folder import checkpoints

INFLIGHT = "inflight.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Everything that a run goes on with after a step."""

    step: int
    """The step that was finished."""
    config: TrainConfig
    learner: Learner
    curriculum: Curriculum
    """As it is after that step."""
    tokenizer: PreTrainedTokenizerBase
    """Saved beside the weights."""
    inflight: Sequence[Episode] | None = None
    """Episodes that are already played for the next step."""


def save_checkpoint(folder: Path, state: RunState, keep: int) -> Path:
    """Writes `folder/step_NNNNNN` atomically and then removes all but the newest `keep`; returns its path.

    Args:
        folder: Of all checkpoints.
        state: What is saved.
        keep: Checkpoints that stay, this one included.

    Raises:
        OSError: They cannot be written, as on a full disk; what was written is removed, older checkpoints stay.
    """
    target = _write_whole(folder, state, _write_state)
    for old in checkpoints(folder)[:-keep]:
        old.rename(folder / f".old_{old.name}")  # in one go: a half-deleted folder must not look like a checkpoint
    remove_leftovers(folder)
    return target


def keep_model(folder: Path, state: RunState) -> Path:
    """Writes `folder/step_NNNNNN` atomically: a checkpoint without what a run needs to go on; nothing removes it.

    Raises:
        OSError: It cannot be written, as on a full disk; what was written is removed.
    """
    target = _write_whole(folder, state, _write_model)
    remove_leftovers(folder)
    return target


def _write_whole(folder: Path, state: RunState, write: Callable[[Path, RunState], None]) -> Path:
    """A step's folder, which takes its name when all its files are on the disk; an older one of that name makes room."""
    remove_leftovers(folder)
    target, temporary = folder / f"step_{state.step:06d}", folder / f".new_{state.step:06d}"
    temporary.mkdir(parents=True)
    try:
        write(temporary, state)
        for path in (*temporary.rglob("*"), temporary):
            flush_to_disk(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    if target.exists():
        target.rename(folder / f".old_{target.name}")
    temporary.rename(target)
    flush_to_disk(folder)
    return target


def _write_state(folder: Path, state: RunState) -> None:
    """Writes the files of a checkpoint, `state.json` last."""
    with (folder / "learner.pt").open("wb") as file:
        torch.save(state.learner.state_dict(), file)
    (folder / "curriculum.json").write_text(json.dumps(state.curriculum.state_dict()), encoding="utf-8")
    if state.inflight is not None:
        write_episodes(folder / INFLIGHT, state.inflight, tokens=True)
    _write_model(folder, state)


def _write_model(folder: Path, state: RunState) -> None:
    """Writes the model of a step with its adapters, and what tells `find_model` of its run, `state.json` last."""
    learner = state.learner
    answers = answering_roles(mix.env_id for mix in state.config.games)
    export_model(learner, state.tokenizer, folder / "model", answers)
    for name in adapter_names(learner.model):
        save_adapter(learner.model, name, folder / ADAPTERS / name, learner.trainable)
    (folder / "config.json").write_text(json.dumps(state.config.to_json(), indent=1), encoding="utf-8")
    (folder / "state.json").write_text(json.dumps({"step": state.step}), encoding="utf-8")


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
        raise CheckpointError(
            f"checkpoint {path.name} cannot be resumed ({first_line(error)}); delete that folder to go on from the one before."
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

    Where every role has an adapter of its own, that of the first of `answers` is merged in, the roles that evaluation samples
    (or the first role's, where none answers). Each alone lies beside it, in `adapters/`, as peft reads it. Merged weights are
    float32, and config.json says so, even where the base is bfloat16: rounded, they would have forgotten most of what a short
    run changed. To sample in bfloat16, load the base and its adapter.
    """
    model: Any = learner.model
    names = adapter_names(model)
    weights = merged_weights(model, merged_adapter(names, answers), learner.trainable) if names else None
    with quiet_transformers():
        (model.get_base_model() if names else model).save_pretrained(folder, state_dict=weights)
    if names:
        path, dtype = folder / "config.json", torch.promote_types(model.dtype, torch.float32)
        config = {**json.loads(path.read_text(encoding="utf-8")), "dtype": str(dtype).removeprefix("torch.")}
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    tokenizer.save_pretrained(folder)


def remove_leftovers(folder: Path) -> None:
    """Removes what a killed writer left, and checkpoints that have lost their name."""
    for leftover in (*folder.glob(".new_*"), *folder.glob(".old_*"), *folder.glob(".step_*")):
        shutil.rmtree(leftover)
