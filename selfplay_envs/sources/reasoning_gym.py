"""Problems that the package reasoning-gym generates: any number of them, each by a seed."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from ..core.errors import UsageError
from ..core.text import did_you_mean
from ..tasks.problem import Problem
from ..verifiers.answers.table import find_answer_verifier
from .source import Source

MAX_SIZE = 1_000_000
MAX_METADATA_CHARS = 8_000
"""A call of a sandbox has 20,000 characters, the answer and the gold answer among them."""
_COMPOSITE = "composite"  # its configuration is no text; names joined by `+` do the same


def reasoning_gym(name: str, *, size: int = 100, seed: int = 0, verifier: str = "reasoning-gym") -> Source:
    """The problems of a dataset of reasoning-gym, or of several in turn, as in `reasoning-gym:chain_sum+countdown`.

    Loads the package, which takes seconds the first time. Its generators run in this process; its scorers never do.

    Args:
        name: Name of the dataset, or names joined by `+`: problem k is number k // n of the dataset k % n of n.
        size: Number of problems.
        seed: Of each dataset. The package makes problem i of the seed s + i, so that the seeds 0 and 1 share all problems
            but one; for sets that share none, take seeds that are at least `size` apart.
        verifier: Of their answers.

    Raises:
        UsageError: The package is not installed, or has no such dataset.
    """
    if not 1 <= size <= MAX_SIZE:
        raise UsageError(f"size={size} is no number of problems; give 1 to {MAX_SIZE}.")
    names = name.split("+")
    known = _datasets()
    for one in names:
        if one not in known:
            hint = did_you_mean(one, known) or f"; choose one of {', '.join(known)}."
            raise UsageError(f"source='reasoning-gym:{name}': {one!r} is no dataset of reasoning-gym{hint}")
    return Source(
        name=name,
        read=lambda: _problems(names, size, seed, verifier),
        verifier=verifier,
        rows=size,
        origin=f"reasoning-gym:{name}:size={size},seed={seed}",
        licence="Apache-2.0",
        url="https://github.com/open-thought/reasoning-gym",
        paper="https://arxiv.org/abs/2505.24760",
    )


def _datasets() -> Mapping[str, Any]:
    """The datasets of the package by name.

    Raises:
        UsageError: It is not installed.
    """
    if find_spec("reasoning_gym") is None:
        raise UsageError("source='reasoning-gym:...' needs the package reasoning-gym; type `pip install reasoning-gym`.")
    registered: Mapping[str, Any] = importlib.import_module("reasoning_gym.factory").DATASETS
    importlib.import_module("reasoning_gym")  # whose folders register their datasets
    return {name: registered[name] for name in sorted(registered) if name != _COMPOSITE}


def _problems(names: list[str], size: int, seed: int, verifier: str) -> Iterator[Problem]:
    gym: Any = importlib.import_module("reasoning_gym")
    judge = find_answer_verifier(verifier)
    each = -(-size // len(names))
    options = {"seed": seed, "size": each}
    datasets = {name: gym.create_dataset(name, **options) for name in names}
    for number in range(size):
        name, index = names[number % len(names)], number // len(names)
        try:
            entry: Mapping[str, Any] = datasets[name][index]
        except Exception as error:
            raise UsageError(
                f"reasoning-gym's {name} makes no problem {index} of seed {seed} ({type(error).__name__}: {error}); "
                "choose another seed or a smaller size."
            ) from error
        known = {"name": name, "options": options, "index": index, "metadata": _literal(entry["metadata"])}
        yield judge.problem({"question": entry["question"], "answer": entry["answer"], **known})


def _literal(metadata: object) -> str:
    """Metadata as the text of a literal; empty where that would lose something, or be too long for a sandbox."""
    text = repr(metadata)
    try:
        same = len(text) <= MAX_METADATA_CHARS and ast.literal_eval(text) == metadata
    except (ValueError, SyntaxError, RecursionError):
        return ""
    return text if same else ""
