"""The files of a finished run, and their comparison bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from agents.runs.folder import checkpoints


def files_of(folder: Path) -> dict[str, bytes]:
    """Rows, episodes, buffers and exported weights that a finished run left, by name."""
    last = checkpoints(folder / "checkpoints")[-1]
    paths = {name: folder / name for name in ("metrics.jsonl", "eval.jsonl")}
    paths |= {name: last / name for name in ("curriculum.json", "state.json", "model/model.safetensors")}
    paths |= {path.name: path for path in (folder / "episodes").iterdir()}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def optimizer_of(folder: Path) -> dict[str, Any]:
    """The learner's state in the newest checkpoint of a run."""
    return torch.load(checkpoints(folder / "checkpoints")[-1] / "learner.pt", weights_only=True)


def assert_equal(mine: Any, theirs: Any) -> None:
    """Deep equality, tensors bit by bit."""
    if isinstance(mine, torch.Tensor):
        assert torch.equal(mine, theirs)
    elif isinstance(mine, dict):
        assert set(mine) == set(theirs)
        for key in mine:
            assert_equal(mine[key], theirs[key])
    elif isinstance(mine, list | tuple):
        for one, other in zip(mine, theirs, strict=True):
            assert_equal(one, other)
    else:
        assert mine == theirs
