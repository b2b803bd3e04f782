"""What lies where at the end of a run: its files, the model, and the adapters of a run with LoRA."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from selfplay_envs.registration import answering_roles

from ..config import TrainConfig
from ..tables import say
from .runs import find_model

FILES = ("config.json", "metrics.jsonl", "eval.jsonl", "timings.jsonl", "plot.png")
FOLDERS = ("episodes", "checkpoints")
ADAPTERS = "adapters"


def adapter_folders(path: Path) -> list[Path]:
    """The folders of a checkpoint's adapters, as peft reads them; none for a model whose weights trained themselves."""
    return sorted(found.parent for found in (path / ADAPTERS).glob("*/adapter_config.json"))


def per_role(config: TrainConfig | None) -> bool:
    """Whether every role of a run speaks with an adapter of its own."""
    return config is not None and config.learner.lora_rank > 0 and config.learner.adapters == "per-role"


def print_places(console: Console, folder: Path, config: TrainConfig) -> None:
    """Says what lies in a run's folder; names nothing that is not there."""
    there = [name for name in FILES if (folder / name).is_file()]
    there += [f"{name}/" for name in FOLDERS if any((folder / name).glob("*"))]
    say(console, f"\nEverything lies in {folder}/: {', '.join(there)}")
    if not any((folder / "checkpoints").glob("step_*/state.json")):
        return
    checkpoint = Path(find_model(str(folder))[0])
    adapters = adapter_folders(checkpoint)
    say(console, f"The model{_merged(adapters, config)}: {checkpoint / 'model'}")
    for adapter in adapters:
        whose = f"The {adapter.name}'s adapter" if per_role(config) else "The adapter"
        say(console, f"{whose} alone, for peft: {adapter}")


def _merged(adapters: list[Path], config: TrainConfig) -> str:
    if not adapters:
        return ""
    if not per_role(config):
        return ", its adapter merged in"
    from ..adapters import merged_adapter

    answers = answering_roles(mix.env_id for mix in config.games)
    return f", with the {merged_adapter([path.name for path in adapters], answers)}'s adapter merged in"
