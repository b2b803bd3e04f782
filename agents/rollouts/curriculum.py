"""The curriculum of a run: per game fixed tasks and a buffer, outside the environments; how episodes begin, what enters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from selfplay_envs import Episode, Start, TaskBuffer, make_game
from selfplay_envs.tasks.duplicates import pair_key, proposal_key, task_key
from selfplay_envs.verifiers.findings import VOID_TASK

from ..config.game_mix import GameMix
from ..core.seeding import generator_of, seed_of
from .fixed_tasks import GameTasks, places_of_step, tasks_of
from .gold import count_given, without_wrong_gold
from .held_out import Task, shared_name


class Curriculum:
    """Tasks and the rules of drawing from them; draws are named by (seed, step), so no generator state needs saving.

    Args:
        games: Of the run.
        seed: Of the run.
        tasks: Fixed tasks by game, and what is held out from it; None: they are read, without those of an evaluation.
    """

    def __init__(self, games: Sequence[GameMix], seed: int, tasks: Mapping[str, GameTasks] | None = None) -> None:
        self.games = tuple(games)
        self.seed = seed
        self.tasks = {mix.game_name: tasks_of(mix) for mix in self.games} if tasks is None else tasks
        self.buffers = {
            mix.game_name: TaskBuffer(
                self._seeds(mix),
                capacity=mix.capacity,
                keep=mix.keep,
                exclude=self.tasks[mix.game_name].excluded,
                key=_key_of(mix),
            )
            for mix in self.games
        }

    def starts(self, step: int, again: int = 0) -> list[Start]:
        """How the episodes of a step begin: for every game its fresh ones, then its replays, then its fixed tasks.

        Args:
            step: Of the run.
            again: 0, or which further collection of the same step this is: other draws.
        """
        starts: list[Start] = []
        collection = (step, again) if again else (step,)
        for mix in self.games:
            rng = generator_of(self.seed, "curriculum", *collection, mix.game_name)
            options: list[dict[str, Any]] = [self._references(mix, rng) for _ in range(mix.fresh)]
            options += [{"task": task} for task in self.buffers[mix.game_name].sample(rng, mix.replay, mix.newest)]
            options += [{"task": task} for task in self._fixed(mix, step, again)]
            for start_options in options:
                seed = seed_of(self.seed, "episode", *collection, len(starts))
                starts.append(Start(mix.env_id, seed, mix.kwargs, start_options, mix.name))
        return starts

    def admit(self, episodes: Sequence[Episode]) -> tuple[list[Episode], dict[str, float]]:
        """Adds the tasks that episodes proposed; returns the episodes as they shall train, and counts for the metrics.

        A proposer whose task was there already is rewarded `duplicate_credit`. An episode on an excluded task does not train at
        all, nor do those who rate a proposal where the mix says `raters="discard"`. A task that turned out to be none, since
        its program does not always return the same, leaves the buffer. A gold reply that is not right does not train.
        """
        mixes = {mix.game_name: mix for mix in self.games}
        counts = count_given(episodes)
        admitted: list[Episode] = []
        for episode in map(without_wrong_gold, episodes):
            name = episode.game_name
            counts.update(self._count_known(episode))
            outcome = "" if episode.proposed is None else self.buffers[name].add(episode.proposed)
            if outcome:
                counts[f"{name}/{outcome}"] += 1
            if mixes[name].raters == "discard" and episode.proposed is not None:
                episode = _without_raters(episode)
            duplicate_credit = mixes[name].duplicate_credit
            if outcome == "excluded":
                episode = _untrained(episode)
            elif outcome == "duplicate" and duplicate_credit is not None:
                episode = _as_duplicate(episode, duplicate_credit)
            if any(turn.void in VOID_TASK for turn in episode.messages) and "task" in episode.options:
                counts[f"{name}/void"] += self.buffers[name].discard(episode.options["task"])
            admitted.append(episode)
        sizes = {f"{name}/buffer": float(len(buffer)) for name, buffer in self.buffers.items()}
        return admitted, {**{metric: float(count) for metric, count in sorted(counts.items())}, **sizes}

    def progress(self, step: int) -> dict[str, float]:
        """What is known of the fixed tasks after a step, for the metrics; nothing of games without."""
        known: dict[str, float] = {}
        for mix in self.games:
            fixed = self.tasks[mix.game_name]
            if fixed.tasks:
                known |= {
                    f"{mix.game_name}/epoch": step * mix.fixed / len(fixed.tasks),
                    f"{mix.game_name}/tasks": float(len(fixed.tasks)),
                    f"{mix.game_name}/left_out": float(fixed.left_out),
                    f"{mix.game_name}/shared": float(fixed.shared),
                }
                if fixed.unshown:
                    known[f"{mix.game_name}/unshown"] = float(fixed.unshown)
        return known

    def state_dict(self) -> dict[str, Any]:
        """Every buffer, as JSON types."""
        return {name: buffer.state_dict() for name, buffer in self.buffers.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores what `state_dict` saved."""
        for name, buffer in self.buffers.items():
            buffer.load_state_dict(state[name])

    def _seeds(self, mix: GameMix) -> tuple[Task, ...]:
        """The fixed tasks that the buffer begins with."""
        tasks = self.tasks[mix.game_name].tasks
        if not mix.seeds:
            return ()
        chosen = generator_of(self.seed, "seeds", mix.game_name).permutation(len(tasks))[: mix.seeds]
        return tuple(tasks[int(place)] for place in chosen)

    def _fixed(self, mix: GameMix, step: int, again: int) -> list[Task]:
        """The fixed tasks of a step; those of a further collection of it are drawn beside the epochs."""
        tasks, name = self.tasks[mix.game_name].tasks, mix.game_name
        if not tasks or not mix.fixed:
            return []
        if again:
            rng = generator_of(self.seed, "tasks", name, "again", step, again)
            return [tasks[int(place)] for place in rng.permutation(len(tasks))[: mix.fixed]]
        return [tasks[i] for i in places_of_step(self.seed, name, len(tasks), (step - 1) * mix.fixed, mix.fixed)]

    def _count_known(self, episode: Episode) -> Counter[str]:
        """Whether the episode proposed a program of the fixed tasks, as a count."""
        names = self.tasks[episode.game_name].names
        if episode.proposed is None or not names:
            return Counter()
        game = make_game(episode.env_id, **episode.kwargs)
        return Counter({f"{episode.game_name}/known": int(shared_name(episode.proposed, game) in names)})

    def _named(self, text: str) -> list[str]:
        """Names of the games that a text of `references_from` means: the one of that name, else all of that env id."""
        return [text] if text in self.buffers else [game.game_name for game in self.games if game.env_id == text]

    def _references(self, mix: GameMix, rng: np.random.Generator) -> dict[str, Any]:
        """Options of a fresh episode: different old tasks, from the source buffers in proportion to their sizes."""
        names = [self._named(name) for name in mix.references_from] or [[mix.game_name]]
        sources = [self.buffers[name] for name in dict.fromkeys(chain.from_iterable(names))]
        sizes = np.array([len(source) for source in sources])
        if mix.references == 0 or sizes.sum() == 0:
            return {}
        counts = rng.multivariate_hypergeometric(sizes, min(mix.references, int(sizes.sum())))
        references: list[Any] = []
        for source, count in zip(sources, counts, strict=True):
            references += source.references(rng, int(count))
        return {"references": references}


def _key_of(mix: GameMix) -> Callable[[Task], str]:
    """The function that names a task; of two with one name the second is a duplicate."""
    if mix.novelty == "game":
        return partial(proposal_key, make_game(mix.env_id, **mix.kwargs))
    return pair_key if mix.novelty == "pair" else task_key


def _untrained(episode: Episode) -> Episode:
    return replace(episode, messages=tuple(replace(turn, masked=True) for turn in episode.messages))


def _without_raters(episode: Episode) -> Episode:
    """The episode with the attempts masked that rated its proposal."""
    proposer = episode.messages[0].slot.role
    turns = (turn if turn.slot.role == proposer else replace(turn, masked=True) for turn in episode.messages)
    return replace(episode, messages=tuple(turns))


def _as_duplicate(episode: Episode, reward: float) -> Episode:
    """The episode with `reward` in all for the proposer's (first) message, whatever game and shapers said."""
    first, *rest = episode.messages
    return replace(episode, messages=(replace(first, terms={"duplicate": reward - first.credit}), *rest))
