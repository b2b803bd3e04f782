"""What tests of the sampler on vLLM share: the stand-in for vLLM, prompts, and questions about processes."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel

from agents.config.sampling import Sampling
from selfplay_envs import Message

STAND_IN = Path(__file__).parent / "vllm_stand_in"
"""Folder of the modules that stand in for vLLM and torch; first on the path of the engine's process."""
PROMPTS = [(Message("user", "a"),)]
SHORT = Sampling(max_new_tokens=3)


def weights_sum(model: PreTrainedModel) -> float:
    """The log-probability of every token that the stand-in samples with the weights of `model`."""
    return float(sum(p.detach().double().sum() for p in model.parameters()))


def alive(pid: int) -> bool:
    """Whether a process runs."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
