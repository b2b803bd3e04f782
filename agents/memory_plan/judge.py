"""The memory of a run's reward model, which shares a GPU with the learner or with the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from selfplay_envs.judges.registry import JUDGES

from ..config.run import TrainConfig
from ..config.sampler import parse_sampler
from .learner import WIDTHS
from .shapes import ModelShape, find_shape

REWARD_MODEL = "reward-model"
FIRST = ("auto", "cuda", "cuda:0")
"""Names of the first GPU."""
BATCH_TOKENS = 16_384
"""The judge's own default of `batch_tokens`."""

SKYWORK = {
    "Llama-3.2-1B": "meta-llama/Llama-3.2-1B-Instruct",
    "Llama-3.2-3B": "meta-llama/Llama-3.2-3B-Instruct",
    "Qwen3-1.7B": "Qwen/Qwen3-1.7B-Base",
    "Qwen3-4B": "Qwen/Qwen3-4B-Base",
    "Qwen3-8B": "Qwen/Qwen3-8B-Base",
}
"""Models of the same sizes as the Skywork-Reward-V2 of that name, so that a plan needs no download."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeMemory:
    """Bytes of a reward model; all 0 where a run has none, or where it lies on no GPU of the run."""

    weights: int = 0
    working: int = 0
    """States of one layer while it reads a batch."""
    sleeps: bool = False
    """Whether it rests in main memory while the learner updates."""
    with_learner: bool = True
    """Whether it lies on the learner's GPU; else on the engine's."""

    def beside(self, *, learner: bool) -> tuple[int, int]:
        """Bytes on the learner's GPU, or on the engine's where that is another: while it is asked, and while it rests."""
        if learner != self.with_learner:
            return 0, 0
        return self.weights + self.working, 0 if self.sleeps else self.weights


def judge_memory(config: TrainConfig) -> JudgeMemory:
    """The memory of a run's reward model.

    Raises:
        ModelUnavailable: Its sizes are not known here.
    """
    name, _ = JUDGES.read(config.judge)
    if name != REWARD_MODEL:
        return JudgeMemory()
    options: Mapping[str, Any] = getattr(JUDGES.find(config.judge), "keywords", {})
    device = str(options.get("device", "auto"))
    with_learner = device == config.device or (device in FIRST and config.device in FIRST)
    if not with_learner and (device not in FIRST or parse_sampler(config.sampler)[0] != "vllm"):
        return JudgeMemory()  # on a processor, or a GPU of its own
    model = str(options["id"])
    shape = find_shape(SKYWORK.get(model.removeprefix("Skywork/Skywork-Reward-V2-"), model))
    width = WIDTHS.get(str(options.get("dtype")), 2)
    return JudgeMemory(
        weights=width * classifier_weights(shape),
        working=width * int(options.get("batch_tokens", BATCH_TOKENS)) * (2 * shape.mlp_width + 4 * shape.width),
        sleeps=bool(options.get("sleep")),
        with_learner=with_learner,
    )


def classifier_weights(shape: ModelShape) -> int:
    """Numbers of a classifier with one output, which has one in place of the output matrix."""
    return shape.weights - (0 if shape.tied else shape.table) + shape.width


def asleep(text: str) -> str | None:
    """The judge's text with `sleep=1`; None where it is no reward model, or sleeps already."""
    name, options = JUDGES.read(text)
    return f"{text.rstrip(',')},sleep=1" if name == REWARD_MODEL and "sleep" not in options else None
