"""What can be typed behind `selfplay analyze entropy`, and what of it cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from selfplay_envs import UsageError

from .outputs import check_outputs


@dataclass(frozen=True)
class Entropy:
    """Entropy of the next token: of models, of recorded episodes, or over the training of runs. In nats per token.

    Of models (anybody's: a run, a checkpoint, a transformers folder, a Hugging Face id), each samples replies to the same
    prompts; the first is the base. Shown are the exact entropy over the vocabulary by role and task type, its quantiles, the
    share of tokens above the base's 80th percentile, and, token by token on the replies of both, how far the most uncertain
    fifth of the tokens is the same as the base's, beside chance:

      selfplay analyze entropy Qwen/Qwen2.5-0.5B my-checkpoint --prompts mine.jsonl

    Of recorded episodes, the models score what was recorded in place of sampling; without a model, -log p as it was recorded:

      selfplay analyze entropy tiny runs/azr-tiny --episodes runs/azr-tiny

    Over training, from what runs wrote, no model is needed; runs that differ in nothing but the seed are one arm:

      selfplay analyze entropy runs/azr-tiny runs/rlvr-tiny --over-training
    """

    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="MODEL|RUN [MODEL|RUN ...]")]
    """Models, the base first; with --over-training folders of runs."""
    tasks: str = "tiny"
    """Tasks whose prompts are asked: tiny, a .jsonl file of {"env_id": ..., "task": {...}}, or benchmarks, as in `selfplay
    eval`; nothing is judged, so no sandbox is needed."""
    prompts: Path | None = None
    """In their place a file of lines {"messages": [{"role": "user", "content": ...}, ...]} or {"prompt": ...}, each with a
    "task_type" if you like."""
    episodes: tuple[Path, ...] = ()
    """In place of asking: recorded episodes with tokens (train with record_tokens), as files or folders of runs."""
    over_training: bool = False
    """Read the entropies that runs wrote at every step."""
    kind: Literal["exact", "sampled", "recorded"] = "exact"
    """With --over-training: exact over the vocabulary; sampled, -log p of the token, both of messages that trained; recorded,
    -log p of all recorded messages, so that a role that never trains is there too."""
    predict: bool = False
    """With --over-training: hold the covariance of log-probability and advantage, which foretells the change of entropy to
    first order, against the measured change; needs recorded episodes with tokens."""
    span: int = 1
    """With --predict: updates between the two entropies whose difference is the measured change, at least. Two batches differ
    by chance; over more updates the change is larger beside that."""
    samples: int = 4
    """Replies to each prompt."""
    limit: int = 0
    """Prompts per game or source, the first ones; 0: all."""
    temperature: float = 1.0
    """Of sampling, and of the distributions whose entropies are taken; 1 is the model's own."""
    max_new_tokens: int | None = None
    """Tokens of a reply at most; by default 128 where all models are the tiny one or come from it, else 512."""
    style: str = ""
    """Wording of prompts of games, full or terse; by default each model's own, as in `selfplay eval`."""
    seed: int = 0
    """Names the replies' seeds; all models are asked with the same."""
    batch: int = 64
    """Replies that are decoded together."""
    micro_batch_tokens: int = 4_096
    """Tokens that are scored together: bounds memory, does not change the result; halved where memory runs out."""
    device: str = "auto"
    short_cuts: str = "auto"
    """Ways of computing on a processor, and threads, as in `selfplay train --help`."""
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write all numbers to this file, histograms too."""
    plot: Path | None = None
    """Also draw a picture into this file, such as entropy.png."""


def predicted_pictures(command: Entropy) -> list[Path]:
    """The files of --predict beside that of --plot, one per run; none where they are not asked for."""
    if command.plot is None or not command.predict:
        return []
    plot = command.plot
    return [plot.with_name(f"{plot.stem}-predicted-{number}{plot.suffix}") for number in range(1, len(command.names) + 1)]


def check_entropy(command: Entropy) -> None:
    """Refuses what cannot be, before anything is loaded.

    Raises:
        UsageError: Says what, and what to type.
    """
    check_outputs(command.json, command.plot, *predicted_pictures(command))
    if not command.names and not command.episodes:
        raise UsageError("model: none is named; type selfplay analyze entropy tiny runs/azr-tiny, the base first.")
    if len(set(command.names)) < len(command.names):
        twice = next(name for name in command.names if command.names.count(name) > 1)
        raise UsageError(f"model={twice!r} is named twice; name each once.")
    if command.prompts is not None and command.episodes:
        raise UsageError("prompts and episodes are both given; leave one out.")
    if command.over_training and (command.prompts is not None or command.episodes):
        raise UsageError("over_training reads what runs wrote and asks nothing; leave --prompts and --episodes out.")
    if not command.over_training and (command.predict or command.kind != "exact"):
        raise UsageError("kind and predict are about runs; add --over-training, and name runs in place of models.")
    if command.temperature <= 0:
        raise UsageError(f"temperature={command.temperature:g} has no entropy; give one above 0, such as 1.")
    for option in ("samples", "span", "batch", "micro_batch_tokens"):
        if getattr(command, option) < 1:
            raise UsageError(f"{option}={getattr(command, option)} must be at least 1.")
    if command.limit < 0:
        raise UsageError(f"limit={command.limit} must be 0, which is all, or more.")
