"""Folders of runs: where a new one goes, which is the newest, what is in one."""

from __future__ import annotations

import json
from pathlib import Path

from ..config import TrainConfig
from ..errors import AgentError

RUNS = Path("runs")


def choose_folder(preset: str) -> Path:
    """`runs/PRESET`, or with the first free number behind it."""
    number, folder = 1, RUNS / preset
    while folder.exists():
        number += 1
        folder = RUNS / f"{preset}-{number}"
    return folder


def newest_run(preset: str) -> Path | None:
    """The run of a preset under `runs/` that was last written to, or None."""
    found = [path.parent for path in RUNS.glob(f"{preset}*/config.json")]
    return max(found, key=lambda folder: _written(folder), default=None)


def _written(folder: Path) -> float:
    metrics = folder / "metrics.jsonl"
    return (metrics if metrics.is_file() else folder / "config.json").stat().st_mtime


def read_config(folder: Path) -> TrainConfig:
    """The config of the run, or of the checkpoint, in `folder`.

    Raises:
        AgentError: The folder holds none.
        ValueError: It was written by another version.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise AgentError(f"run={str(folder)!r} holds no config.json; pass a folder that `selfplay train` wrote.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if "games" not in data:
            raise AgentError(f"run={str(folder)!r} holds a model, not a run; pass a folder that `selfplay train` wrote.")
    except json.JSONDecodeError as error:
        raise AgentError(
            f"run={str(folder)!r}: config.json is not JSON ({error}); was the run interrupted while it started?"
        ) from error
    return TrainConfig.from_json(data)


def find_model(name: str) -> tuple[str, TrainConfig | None]:
    """What `load_model` is to be given for a run's folder, a checkpoint's, or any other model; and the run's config, if any.

    Raises:
        AgentError: A run has no checkpoint yet.
    """
    folder = Path(name)
    if (folder.parent / "state.json").is_file():  # the model inside a checkpoint
        return name, read_config(folder.parent)
    if (folder / "checkpoints").is_dir():
        found = sorted(path.parent for path in (folder / "checkpoints").glob("step_*/state.json"))
        if not found:
            raise AgentError(f"run={name!r} has no checkpoint yet; let it train to its first one (checkpoint_every).")
        return str(found[-1]), read_config(folder)
    if (folder / "state.json").is_file():
        return name, read_config(folder)
    return name, None
