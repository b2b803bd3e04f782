"""The places of a run's files, its model, and the adapters of a run with LoRA."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from selfplay_envs.names.registration import answering_roles

from ..config.run import TrainConfig
from ..runs.adapters import adapter_folders, has_adapter_per_role, merged_adapter
from ..runs.folder import CHECKPOINTS, find_model, saved_step
from .tables import say

FILES = ("config.json", "metrics.jsonl", "eval.jsonl", "timings.jsonl", "plot.png")
FOLDERS = ("episodes", CHECKPOINTS)


def print_files(console: Console, folder: Path, config: TrainConfig) -> None:
    """Lists the files of a run's folder that are there, its model and its adapters."""
    names = [name for name in FILES if (folder / name).is_file()]
    names += [f"{name}/" for name in FOLDERS if any((folder / name).glob("*"))]
    say(console, f"\nEverything lies in {folder}/: {', '.join(names)}")
    if not saved_step(folder):
        return
    checkpoint = Path(find_model(str(folder))[0])
    adapters = adapter_folders(checkpoint)
    say(console, f"The model{_merged(adapters, config)}: {checkpoint / 'model'}")
    for adapter in adapters:
        whose = f"The {adapter.name}'s adapter" if has_adapter_per_role(config) else "The adapter"
        say(console, f"{whose} alone, for peft: {adapter}")


def _merged(adapters: list[Path], config: TrainConfig) -> str:
    if not adapters:
        return ""
    if not has_adapter_per_role(config):
        return ", its adapter merged in"
    answers = answering_roles(mix.env_id for mix in config.games)
    return f", with the {merged_adapter([path.name for path in adapters], answers)}'s adapter merged in"
