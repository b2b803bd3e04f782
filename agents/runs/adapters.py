"""Adapters of a run with LoRA: their folders, whether each role has one, and which one a checkpoint's `model/` has merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..config.run import TrainConfig

ADAPTERS = "adapters"
"""In a checkpoint, with a folder per adapter, named as its role, or `default` where all roles share one."""


def adapter_folders(checkpoint: Path) -> list[Path]:
    """The folders of a checkpoint's adapters, as peft reads them; none for a model whose weights trained themselves."""
    return sorted(config.parent for config in (checkpoint / ADAPTERS).glob("*/adapter_config.json"))


def has_adapter_per_role(config: TrainConfig | None) -> bool:
    """Whether every role of a run has an adapter of its own."""
    return config is not None and config.learner.lora_rank > 0 and config.learner.adapters == "per-role"


def merged_adapter(names: Sequence[str], answers: Sequence[str]) -> str:
    """The adapter that a checkpoint's `model/` has merged in: that of a role that answers, which evaluation measures.

    Args:
        names: Of all adapters, at least one; a shared one is alone.
        answers: The roles that answer in the run's games; see `selfplay_envs.names.registration.answering_roles`.

    Returns:
        That of the first answering role, or the first by name where no role answers.
    """
    return next((name for name in answers if name in names), min(names))
