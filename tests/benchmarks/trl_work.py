"""What both arms of `against_trl` share: the model, the prompts, the batch of tokens, and how time and memory are taken."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from torch import Tensor

from agents import Sample, Sampling, Tag, TokenBatch, TransformersSampler, collate, load_model, load_tasks
from agents.config.learner import LearnerConfig
from agents.core.seeding import seed_of
from selfplay_envs import Message

DEDUCTION = "SelfPlay/Deduction-v0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One step's work, the same for both arms."""

    model: str = "tiny"
    dtype: str = "float32"
    threads: int = 2
    sequences: int = 32
    group: int = 8
    """Replies per prompt."""
    new_tokens: int = 64
    style: str = "terse"
    """Prompts of the deduction game: `terse` (about 30 tokens of the tiny model, 60 of SmolLM2) or `full` (260 and 130)."""
    lengths: str = "full"
    """`full`: every reply has `new_tokens` tokens, which is the hardest case for sharing prompts. `drawn`: at most as many;
    replies end where the model ends them, 8 tokens on average for the tiny model's answers."""
    algorithm: str = "grpo"
    loss_type: str = "grpo"
    """TRL's name for the aggregation of that row."""
    lr: float = 1e-6
    micro_batch_tokens: int = LearnerConfig().micro_batch_tokens
    """Ours."""
    gradient_checkpointing: bool = False
    """Ours; TRL's is one of its settings."""
    share_prompts: bool = True
    """Ours."""
    short_cuts: str = ""
    """Ours; empty: tried, but on no more cores than `threads`."""


@dataclass(slots=True)
class Gauge:
    """Seconds of every step, and the resident memory above what the process held when the model had been loaded.

    The kernel's high-water mark of resident memory is set back to the present size once everything is imported and the model
    is loaded, after freed memory has been returned; what it shows at the end is the peak of all that came after: optimiser
    state, gradients, activations, key-value caches and the allocator's slack.
    """

    loaded_mib: float = 0.0
    wall_s: list[float] = field(default_factory=list[float])
    cpu_s: list[float] = field(default_factory=list[float])
    _since: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        self.loaded_mib = _status_mib("VmRSS")

    @property
    def started(self) -> float:
        """When the present step began, by `time.perf_counter`."""
        return self._since[0]

    def start(self) -> None:
        """A step begins."""
        self._since = (time.perf_counter(), time.process_time())

    def stop(self) -> None:
        """The step is over."""
        self.wall_s.append(time.perf_counter() - self._since[0])
        self.cpu_s.append(time.process_time() - self._since[1])

    def to_json(self) -> dict[str, Any]:
        """All of it; memory in MiB."""
        above = _status_mib("VmHWM") - self.loaded_mib
        return {"wall_s": self.wall_s, "cpu_s": self.cpu_s, "loaded_mib": self.loaded_mib, "above_mib": above}


def _status_mib(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/self/status has no {name}; the memory of this benchmark can be measured on Linux only.")


def open_model(work: Work, weights: str, *, plain: bool = False) -> tuple[Any, Any]:
    """Model and tokenizer with weights of that dtype, on as many threads as the work says.

    Args:
        work: Names the model.
        weights: Their dtype.
        plain: As transformers makes it, without our short cuts: what TRL would be given.
    """
    torch.set_num_threads(work.threads)
    side_by_side = work.model == "tiny"  # small models take a core per batch, others share each operation
    cores = f"threads=1,workers={work.threads}" if side_by_side else f"threads={work.threads},workers=1"
    setting = "none" if plain else work.short_cuts or cores
    return load_model(work.model, device="cpu", dtype=getattr(torch, weights), short_cuts=setting)


def open_sampler(work: Work, model: Any, tokenizer: Any) -> TransformersSampler:
    """Our sampler; where lengths are full nothing ends a reply early, as TRL is told `min_new_tokens`."""
    sampler = TransformersSampler(model, tokenizer)
    if work.lengths == "full":
        sampler.ends = frozenset()
    return sampler


@functools.cache
def prompts(work: Work) -> list[tuple[Message, ...]]:
    """The first prompts of the deduction game's held-out tasks."""
    env = gym.make(f"selfplay_envs:{DEDUCTION}", style=work.style)
    found = []
    for task in load_tasks("tiny")[DEDUCTION][: work.sequences // work.group]:
        obs, _ = env.reset(seed=0, options={"task": task})
        found.append(tuple(Message(one["role"], one["content"]) for one in obs["messages"]))
    env.close()
    return found


def trivial_reward(text: str) -> float:
    """The share of vowels: no work, but not the same for all replies."""
    return sum(text.count(vowel) for vowel in "aeiou") / max(1, len(text))


def draw_batch(sampler: TransformersSampler, work: Work, step: int) -> TokenBatch:
    """Generates, verifies and stacks one step's replies."""
    asked = prompts(work)
    seeds = [[seed_of("against_trl", step, row, one) for one in range(work.group)] for row in range(len(asked))]
    replies = sampler.generate(asked, Sampling(max_new_tokens=work.new_tokens), seeds)
    return collate(
        [
            Sample(reply, trivial_reward(reply.text), Tag(role="solver", task_type="deduction", prompt_id=str(row)))
            for row, own in enumerate(replies)
            for reply in own
        ]
    )


def save_batch(batch: TokenBatch, path: Path) -> None:
    """The batch's tensors and prompt ids, for the processes of both arms."""
    tensors = {one.name: getattr(batch, one.name) for one in fields(batch) if one.name != "tags"}
    torch.save({**tensors, "prompt_ids": [tag.prompt_id for tag in batch.tags]}, path)


def load_batch(path: Path) -> TokenBatch:
    """What `save_batch` wrote."""
    saved = torch.load(path)
    tags = tuple(Tag(role="solver", task_type="deduction", prompt_id=one) for one in saved.pop("prompt_ids"))
    return TokenBatch(**saved, tags=tags)


def rows_of(batch: TokenBatch) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Prompt tokens, reply tokens and the sampler's log-probabilities of every row, without padding."""
    found = []
    for row in range(len(batch)):
        reply = batch.mask_BT[row]
        found.append(
            (batch.ids_BT[row, batch.attention_BT[row] & ~reply], batch.ids_BT[row, reply], batch.logprobs_BT[row, reply])
        )
    return found


def learner_config(work: Work, grad_clip: float) -> LearnerConfig:
    """Ours, with the optimiser both arms are given."""
    return LearnerConfig(
        lr=work.lr,
        warmup_steps=0,
        beta1=0.9,
        beta2=0.95,
        grad_clip=grad_clip,
        micro_batch_tokens=work.micro_batch_tokens,
        gradient_checkpointing=work.gradient_checkpointing,
        share_prompts=work.share_prompts,
        dtype="bfloat16" if work.dtype == "bfloat16" else "float32",
    )


def quiet() -> None:
    """No progress bars and no look-ups on a hub from the libraries of either arm."""
    os.environ.update(HF_HUB_OFFLINE="1", TQDM_DISABLE="1", TOKENIZERS_PARALLELISM="false", TRL_EXPERIMENTAL_SILENCE="1")
