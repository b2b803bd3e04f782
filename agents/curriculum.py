"""The curriculum of a run: a task buffer per game, outside the environments; how episodes begin and which tasks enter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from selfplay_envs import Episode, Start, TaskBuffer
from selfplay_envs.buffer import pair_key, task_key
from selfplay_envs.findings import VOID_TASK

from .config import GameMix
from .seeding import generator_of, seed_of

Task = Mapping[str, Any]


def _is_tiny_held_out(task: Task) -> bool:
    from .tiny.programs import is_held_out

    program = task.get("program")
    return isinstance(program, str) and is_held_out(program)


EXCLUDES: dict[str, Callable[[Task], bool] | None] = {"none": None, "tiny": _is_tiny_held_out}
"""What must never enter a buffer, by `GameMix.exclude`."""


class Curriculum:
    """Buffers and the rules of drawing from them; draws are named by (seed, step), so no generator state needs saving."""

    def __init__(self, games: Sequence[GameMix], seed: int) -> None:
        self.games = tuple(games)
        self.seed = seed
        self.buffers = {
            mix.env_id: TaskBuffer(
                capacity=mix.capacity, exclude=EXCLUDES[mix.exclude], key=pair_key if mix.novelty == "pair" else task_key
            )
            for mix in self.games
        }

    def starts(self, step: int, again: int = 0) -> list[Start]:
        """How the episodes of a step begin: for every game its fresh ones, then its replays.

        Args:
            step: Of the run.
            again: 0, or which further collection of the same step this is: other draws.
        """
        starts: list[Start] = []
        name = (step, again) if again else (step,)
        for mix in self.games:
            rng = generator_of(self.seed, "curriculum", *name, mix.env_id)
            options: list[dict[str, Any]] = [self._references(mix, rng) for _ in range(mix.fresh)]
            options += [{"task": task} for task in self.buffers[mix.env_id].sample(rng, mix.replay, mix.newest)]
            for own in options:
                seed = seed_of(self.seed, "episode", *name, len(starts))
                starts.append(Start(mix.env_id, seed, mix.kwargs, own))
        return starts

    def admit(self, episodes: Sequence[Episode]) -> tuple[list[Episode], dict[str, float]]:
        """Adds the tasks that episodes proposed; returns the episodes as they shall train, and counts for the metrics.

        A proposer whose task was there already is paid `duplicate_credit`. An episode on an excluded task does not train at
        all. A task that turned out to be none, since its program does not always return the same, leaves the buffer.
        """
        mixes = {mix.env_id: mix for mix in self.games}
        counts: Counter[str] = Counter()
        admitted: list[Episode] = []
        for episode in episodes:
            outcome = "" if episode.proposed is None else self.buffers[episode.env_id].add(episode.proposed)
            if outcome:
                counts[f"{mixes[episode.env_id].env_id}/{outcome}"] += 1
            duplicate_credit = mixes[episode.env_id].duplicate_credit
            if outcome == "excluded":
                episode = _untrained(episode)
            elif outcome == "duplicate" and duplicate_credit is not None:
                episode = _paid(episode, duplicate_credit)
            if any(played.void in VOID_TASK for played in episode.messages) and "task" in episode.options:
                counts[f"{episode.env_id}/void"] += self.buffers[episode.env_id].discard(episode.options["task"])
            admitted.append(episode)
        sizes = {f"{env_id}/buffer": float(len(buffer)) for env_id, buffer in self.buffers.items()}
        return admitted, {**{name: float(count) for name, count in sorted(counts.items())}, **sizes}

    def state_dict(self) -> dict[str, Any]:
        """Every buffer, as JSON types."""
        return {env_id: buffer.state_dict() for env_id, buffer in self.buffers.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` saved."""
        for env_id, buffer in self.buffers.items():
            buffer.load_state_dict(state[env_id])

    def _references(self, mix: GameMix, rng: np.random.Generator) -> dict[str, Any]:
        """Options of a fresh episode: different old tasks, from the source buffers in proportion to their sizes."""
        sources = [self.buffers[env_id] for env_id in mix.references_from or (mix.env_id,)]
        sizes = np.array([len(source) for source in sources])
        if mix.references == 0 or sizes.sum() == 0:
            return {}
        found: list[Any] = []
        for source, count in zip(
            sources, rng.multivariate_hypergeometric(sizes, min(mix.references, int(sizes.sum()))), strict=True
        ):
            found += source.references(rng, int(count))
        return {"references": found}


def _untrained(episode: Episode) -> Episode:
    return replace(episode, messages=tuple(replace(played, masked=True) for played in episode.messages))


def _paid(episode: Episode, credit: float) -> Episode:
    """The episode with the proposer's (first) message paid `credit` in all."""
    first, *rest = episode.messages
    return replace(episode, messages=(replace(first, shaped=credit - first.credit), *rest))
