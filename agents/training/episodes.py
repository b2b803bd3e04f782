"""Episodes of every step of a run: collected when it is due or ahead of it, made up for or left out as the run says."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from selfplay_envs import Episode, Start
from selfplay_envs.names.registration import answering_roles

from ..algorithms.algorithm import Algorithm
from ..config.run import TrainConfig
from ..core.seeding import generator_of
from ..rollouts.collector import Collector, PendingEpisodes
from ..rollouts.curriculum import Curriculum
from ..runs.log import RunLog
from .dynamic_sampling import refill
from .token_matching import match_tokens, short_of_budget, tokens_by_episode


class EpisodeSource:
    """Plays the episodes of a step when it is due or, with `staleness=1`, during the step before.

    Args:
        config: Of the run.
        curriculum: How episodes begin, and which tasks are kept.
        collector: Plays them.
        algorithm: Whose constant groups are made up for, where it drops them.
        log: Emits the rounds.
    """

    def __init__(
        self, config: TrainConfig, curriculum: Curriculum, collector: Collector, algorithm: Algorithm, log: RunLog
    ) -> None:
        self.config = config
        self.curriculum = curriculum
        self.collector = collector
        self.algorithm = algorithm
        self.log = log
        self.ahead: list[Episode] | None = None
        """The next step's episodes, where they are played already."""
        self._pending: PendingEpisodes | None = None

    def collect(self, step: int, roles: Collection[str]) -> tuple[list[Episode], dict[str, float]]:
        """A step's episodes as they shall train, and counts of their tasks for the metrics.

        Args:
            step: Of the run.
            roles: That train at it.
        """
        if self.ahead is not None:
            played, self.ahead = self.ahead, None
        else:
            played = self.collector.collect(self.curriculum.starts(step), self._names(step), self.log.on_round(step, "collect"))
        episodes, counts = self.curriculum.admit(played)
        counts |= self.curriculum.progress(step)
        episodes, added = self._refill(step, roles, episodes, counts)
        if self.config.tokens_per_step:
            episodes = self._match(step, roles, episodes, counts, added)
        return episodes, counts

    def begin_next(self, step: int) -> None:
        """Begins to play the episodes of the step after `step`, with the policy that the sampler holds, with `staleness=1`."""
        if self.config.staleness and step < self.config.steps:
            self._pending = self.collector.begin(self.curriculum.starts(step + 1), self._names(step + 1))

    def finish_next(self, step: int) -> None:
        """Waits for what `begin_next` began."""
        if self._pending is not None:
            self.ahead = self._pending.wait(self.log.on_round(step, "collect"))
            self._pending = None

    def stop(self) -> None:
        """Gives up what `begin_next` began; afterwards nothing uses the sampler."""
        if self._pending is not None:
            self._pending.stop()
            self._pending = None

    def _refill(
        self, step: int, roles: Collection[str], episodes: list[Episode], counts: dict[str, float]
    ) -> tuple[list[Episode], int]:
        """The episodes and those that make up for groups that teach nothing, and how many collections these were."""
        rng = generator_of(self.config.seed, "refill", step)
        play = partial(self._play_further, step, counts)
        episodes, added = refill(episodes, self.algorithm, roles, play, partial(self.curriculum.starts, step), rng)
        if added:
            counts["refills"] = float(added)
        return episodes, added

    def _match(
        self, step: int, roles: Collection[str], episodes: list[Episode], counts: dict[str, float], collected: int
    ) -> list[Episode]:
        """The episodes, of which as many tokens train as the config says; the others are masked, and counted."""
        answers = self.config.tokens_counted == "answers"
        counted = set(roles) & set(answering_roles(mix.env_id for mix in self.config.games)) if answers else roles
        if not counted:
            return episodes  # nobody who counts trains at this step
        tokens_of = partial(
            tokens_by_episode,
            algorithm=self.algorithm,
            roles=roles,
            answers=answers,
            reply_limit=self.config.sampling.max_new_tokens,
        )
        play, starts = partial(self._play_further, step, counts), partial(self.curriculum.starts, step)
        rng = generator_of(self.config.seed, "tokens_per_step", step)
        budget = self.config.tokens_per_step
        matched = match_tokens(episodes, tokens_of, budget, play, starts, rng, collected=collected)
        if sentence := short_of_budget(step, matched, budget):
            self.log.emit("notice", step, sentence=sentence)
        counts["further_collections"] = float(matched.further)
        counts["episodes_left_out"] = float(matched.left_out)
        counts["tokens_left_out"] = float(matched.tokens_left_out)
        return matched.episodes

    def _play_further(self, step: int, counts: dict[str, float], starts: list[Start], again: int) -> list[Episode]:
        """Episodes of a further collection of a step, as they shall train; adds to `counts` what became of tasks."""
        names = (*self._names(step), "again", again)
        admitted, more = self.curriculum.admit(self.collector.collect(starts, names, self.log.on_round(step, "collect")))
        counts |= {name: value if name.endswith("/buffer") else counts.get(name, 0) + value for name, value in more.items()}
        return admitted

    def _names(self, step: int) -> tuple[int | str, ...]:
        return (self.config.seed, "train", step)
