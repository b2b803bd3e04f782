"""What base and final model made of a sample of proposals, kept in a file so that nothing is solved twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from selfplay_envs import UsageError
from selfplay_envs.core.hashing import short_hash

from ...config.run import TrainConfig
from ...core.files import write_whole
from ...runs.folder import CHECKPOINTS, MODELS, checkpoints, find_model, step_in
from ...tiny.folder import TINY_MODEL
from .proposals import Proposal
from .quantities import Series

FILE = Path("measured") / "curriculum.json"
"""In the folder of a run."""
VERSION = 1
"""Of what is kept; that of another one is solved again."""
DECIDING = (".safetensors", ".bin", ".json", ".model", ".txt", ".jinja")
"""Endings of files of a model that decide what it says."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How a model did at one proposal."""

    solve_rate: float | None
    """Share of its answers that are right; None where all are void, or the model cannot be shown the task."""
    score: float | None
    """Mean score of its answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """One proposal of the sample; rates and scores are None where nothing is known."""

    step: int
    group: str
    """`role/task_type`."""
    own: float | None
    """Solve rate by the panel of its step."""
    own_score: float | None
    base: float | None
    """Solve rate by the model that the run started from."""
    base_score: float | None
    final: float | None
    """Solve rate by the run's last model."""
    final_score: float | None


SOLVED: Mapping[str, str] = {
    "own": "the sample, by own panel",
    "base": "the sample, by base model",
    "final": "the sample, by last model",
    "own_score": "its score by own panel",
    "base_score": "its score by base model",
    "final_score": "its score by last model",
}
"""Quantities of a sample: fields of `Solved`, and their titles."""


def final_model(folder: Path) -> Path | None:
    """The checkpoint or kept model of the latest step of a run, None where there is none."""
    saved = [path for name in (CHECKPOINTS, MODELS) for path in checkpoints(folder / name)]
    return max(saved, key=step_in, default=None)


def judge_of(config: TrainConfig) -> str:
    """Who scores answers to the proposals of a run, in games that ask: the judge of its evaluations, or its own."""
    return config.evaluation.judge or config.judge


def key_of(sample: Sequence[Proposal], config: TrainConfig, model: str, settings: Mapping[str, Any]) -> str:
    """Names everything that decides a model's rates: proposals, games, judge, sampling, the model by content, and settings."""
    tasks = [[one.game, one.task] for one in sample]
    games = [[mix.game_name, mix.env_id, dict(mix.kwargs)] for mix in config.games]
    deciding = [VERSION, tasks, games, judge_of(config), asdict(config.sampling), identity(model), dict(settings)]
    return short_hash(json.loads(json.dumps(deciding)))


def identity(model: str) -> str:
    """A model in a folder by the content of its files, any other by its name."""
    path = TINY_MODEL if model == "tiny" else Path(find_model(model)[0])
    if not path.is_dir():
        return model
    inside = path / "model" if (path / "model").is_dir() else path
    digest = hashlib.sha256()
    for file in sorted(inside.rglob("*")):
        if file.suffix in DECIDING and file.is_file():
            with file.open("rb") as opened:
                digest.update(f"{file.relative_to(inside)} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def read_rates(path: Path, key: str) -> list[Rates] | None:
    """What was kept under that name; None where nothing was.

    Raises:
        UsageError: The file is damaged.
    """
    rows = _read(path).get(key)
    try:
        return None if rows is None else [Rates(*row) for row in rows]
    except TypeError as error:
        raise _damaged(path, error) from error


def keep_rates(path: Path, key: str, rates: Sequence[Rates]) -> None:
    """Writes a model's rates into the file, beside those under other names.

    Raises:
        UsageError: The file is damaged.
    """
    rows = _read(path) | {key: [[one.solve_rate, one.score] for one in rates]}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(rows))


def put_together(sample: Sequence[Proposal], base: Sequence[Rates], final: Sequence[Rates]) -> list[Solved]:
    """A sample with what both models made of it."""
    return [
        Solved(
            step=one.step,
            group=one.group,
            own=one.solve_rate,
            own_score=one.score,
            base=by_base.solve_rate,
            base_score=by_base.score,
            final=by_final.solve_rate,
            final_score=by_final.score,
        )
        for one, by_base, by_final in zip(sample, base, final, strict=True)
    ]


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(kept, dict):
        raise _damaged(path, "it holds no object")
    return kept  # pyright: ignore[reportUnknownVariableType]


def _damaged(path: Path, why: object) -> UsageError:
    return UsageError(f"{path} is damaged ({why}); delete it, and its proposals are solved again.")


def points_of(solved: Sequence[Solved], name: str) -> list[tuple[float, float]]:
    """Steps and values of one of `SOLVED`, a proposal each."""
    return [(float(one.step), value) for one in solved if (value := getattr(one, name)) is not None]


def solved_series(solved: Sequence[Solved], name: str) -> Series:
    """Means by step of one of `SOLVED`."""
    by_step: dict[int, list[float]] = {}
    for step, value in points_of(solved, name):
        by_step.setdefault(int(step), []).append(value)
    return {step: sum(values) / len(values) for step, values in sorted(by_step.items())}
