"""Folders of runs read for an analysis: their rows, and which of them are seeds of one arm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from selfplay_envs import UsageError

from ..config.run import TrainConfig
from ..runs.columns import Row
from ..runs.folder import FREE, read_config
from ..runs.rows import read_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run, as far as it got."""

    name: str
    """For tables and pictures; no two runs of one analysis share it."""
    arm: str
    """What it shares with the runs that differ from it in nothing but the seed."""
    folder: Path
    config: TrainConfig
    rows: Sequence[Row]
    """Of `metrics.jsonl`, one per step: the row of step s describes the weights before the update of that step."""
    evaluations: Sequence[Row]
    """Of `eval.jsonl`: the row of step s describes the weights after so many updates."""

    @property
    def imitates(self) -> bool:
        """Whether replies were given to it: its entropies are those on given replies then, not on its own."""
        return any(key.endswith("/given") for row in self.rows for key in row)


def read_runs(folders: Sequence[Path]) -> list[FinishedRun]:
    """The runs in some folders, in that order; runs whose configs differ in nothing but the seed are one arm.

    An arm of one run is called as its folder. An arm of several is called as their folders begin (`azr-0`, `azr-1`: `azr`), or
    as the folder they lie in where they are called `seed-0` and so on. Arms of one name are called as all of
    their runs.

    Raises:
        AgentError: A folder holds no run.
        UsageError: None is named, one is named twice, or one has no finished step.
    """
    if not folders:
        raise UsageError("run: none is named; type the folder of one that `selfplay train` wrote, such as runs/azr-tiny.")
    resolved = [folder.resolve() for folder in folders]
    for folder, real in zip(folders, resolved, strict=True):
        if resolved.count(real) > 1:
            raise UsageError(f"run={str(folder)!r} is named twice; name each once.")
    configs = [read_config(folder) for folder in folders]
    metrics = [read_rows(folder / "metrics.jsonl") for folder in folders]
    for folder, rows in zip(folders, metrics, strict=True):
        if not rows:
            raise UsageError(f"run={str(folder)!r} has no finished step in metrics.jsonl; let it train for a while.")
    names = _names(resolved)
    members: dict[str, list[int]] = {}
    for place, config in enumerate(configs):
        members.setdefault(_without_seed(config), []).append(place)
    arms = _arm_names(list(members.values()), resolved, names)
    return [
        FinishedRun(
            name=names[place],
            arm=arms[place],
            folder=folder,
            config=configs[place],
            rows=metrics[place],
            evaluations=read_rows(folder / "eval.jsonl"),
        )
        for place, folder in enumerate(folders)
    ]


def _without_seed(config: TrainConfig) -> str:
    """All settings that decide what is learned, but for the seed."""
    return json.dumps({name: value for name, value in config.to_json().items() if name not in ("seed", *FREE)}, sort_keys=True)


def _names(folders: Sequence[Path]) -> list[str]:
    """The last part of each folder, with as many of those before it as tell all apart; a mere `seed-0` keeps its parent's."""
    names = [_last_parts(folder, 2 if folder.name.startswith("seed") else 1) for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _last_parts(folder: Path, count: int) -> str:
    return "/".join(folder.parts[-count:])


def _arm_names(members: Sequence[Sequence[int]], folders: Sequence[Path], names: Sequence[str]) -> dict[int, str]:
    """The name of every run's arm, by the places of the runs; no two arms have one name, or they would be pooled."""
    short = [_arm_name([folders[place] for place in places], [names[place] for place in places]) for places in members]
    whole = [", ".join(names[place] for place in places) for places in members]
    chosen = [
        name if short.count(name) == 1 and name not in whole else all_of for name, all_of in zip(short, whole, strict=True)
    ]
    return {place: name for places, name in zip(members, chosen, strict=True) for place in places}


def _arm_name(folders: Sequence[Path], names: Sequence[str]) -> str:
    """The name of the runs in some folders; they are one arm."""
    if len(folders) == 1:
        return names[0].rpartition("/")[0] if folders[0].name.startswith("seed") else names[0]
    if all(folder.name.startswith("seed") for folder in folders) and len({folder.parent for folder in folders}) == 1:
        return folders[0].parent.name
    shortest = min(names, key=len)
    same = next((place for place, letter in enumerate(shortest) if any(name[place] != letter for name in names)), len(shortest))
    return shortest[:same].rstrip("-_./0123456789") or names[0]
