"""A run that starts where another one ended, such as reinforcement learning on data after self-play."""

from __future__ import annotations

from dataclasses import replace

from ..config.run import TrainConfig
from ..runs.folder import find_model


def at_checkpoint(config: TrainConfig, notes: list[str]) -> TrainConfig:
    """The config with the newest checkpoint of today in the place of a run's folder; adds a note where that is so.

    The folder's own run may go on later: this one stays on the weights that it began with, which are its KL's reference too.

    Raises:
        AgentError: That run has no checkpoint yet.
    """
    path, trained = find_model(config.model)
    if trained is None or path == config.model:
        return config
    notes.append(f"The run starts from {path}, and KL is to these weights, where there is any.")
    return replace(config, model=path)
