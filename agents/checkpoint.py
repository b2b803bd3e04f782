"""Checkpoints: one folder per step, written beside and moved into place, with all that a run needs to go on bit for bit.

    step_000050/
        state.json        step, written last; a folder without it is no checkpoint
        config.json       the run's TrainConfig
        curriculum.json   every task buffer
        learner.pt        trained weights, optimiser, policy version
        model/            weights and tokenizer for `load_model`; LoRA adapters are merged in

Random numbers need no entry: every draw is named by (seed, step, ...) and not by a generator's state.
"""

from __future__ import annotations

import copy
import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any, cast

import torch
from transformers import PreTrainedTokenizerBase

from .config import TrainConfig
from .curriculum import Curriculum
from .errors import CheckpointError
from .learner import Learner
from .models import quiet_transformers


def save_checkpoint(
    folder: Path,
    step: int,
    config: TrainConfig,
    learner: Learner,
    curriculum: Curriculum,
    tokenizer: PreTrainedTokenizerBase,
    keep: int,
) -> Path:
    """Writes `folder/step_NNNNNN` atomically and removes all but the newest `keep`; returns its path."""
    target = folder / f"step_{step:06d}"
    temporary = folder / f".step_{step:06d}.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    torch.save(learner.state_dict(), temporary / "learner.pt")
    export_model(learner, tokenizer, temporary / "model")
    (temporary / "config.json").write_text(json.dumps(config.to_json(), indent=1), encoding="utf-8")
    (temporary / "curriculum.json").write_text(json.dumps(curriculum.state_dict()), encoding="utf-8")
    (temporary / "state.json").write_text(json.dumps({"step": step}), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(temporary, target)
    for old in checkpoints(folder)[:-keep]:
        shutil.rmtree(old)
    for left in folder.glob(".step_*"):
        shutil.rmtree(left, ignore_errors=True)
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


def export_model(learner: Learner, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes weights and tokenizer as `from_pretrained` and `load_model` read them."""
    model = learner.model
    if learner.config.lora_rank:
        model = cast(Any, copy.deepcopy(model)).merge_and_unload()
    with quiet_transformers():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
