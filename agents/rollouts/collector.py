"""The collector: plays many episodes with one call of the sampler per lane and round, and applies the batch's shapers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from selfplay_envs import Episode, PendingPrompt, Referee, Reply, Start, play_episodes
from selfplay_envs.rewards.shapers import Shaper

from ..config.sampling import Sampling
from ..core.seeding import seed_of
from ..samplers.base import Sampler
from ..samplers.deprecated import with_current_names
from .gold import GoldReplies
from .lanes import Gate, Lane, OnRound, RunningLanes

OTHER_TERMS = ("game", "duplicate")
"""Names of terms of a reward that are no shapers'."""

__all__ = ["Collector", "OnRound", "PendingEpisodes", "shape"]


class Collector:
    """Plays starts to their ends.

    Args:
        sampler: Samples the replies of every role that `by_role` does not name.
        referee: Its sandbox and judges answer the games' requests.
        sampling: Settings by which replies are sampled.
        by_role: Samplers of their own for some roles, such as a frozen proposer; their replies are played, and train only if
            they carry tokens and the role is trained.
        shapers: Rewards by comparison within the batch, each a term of `Turn.terms`.
        lanes: Groups of a step's episodes that play side by side: while the programs of one are verified, another samples.
            Every lane is a batch of its own, so their number changes replies by floating-point rounding, and only by that.
        gold: Gives the replies that nobody samples; None: all are sampled.
    """

    def __init__(
        self,
        sampler: Sampler,
        referee: Referee,
        sampling: Sampling,
        *,
        by_role: Mapping[str, Sampler] | None = None,
        shapers: Sequence[Shaper] = (),
        lanes: int = 1,
        gold: GoldReplies | None = None,
    ) -> None:
        if lanes < 1:
            raise ValueError(f"lanes={lanes!r} must be at least 1; 1 plays all episodes in one batch.")
        by_role = by_role or {}
        current = {id(candidate): with_current_names(candidate) for candidate in (sampler, *by_role.values())}
        self.sampler = current[id(sampler)]
        self.referee = referee
        self.sampling = sampling
        self.by_role = {role: current[id(candidate)] for role, candidate in by_role.items()}
        self.shapers = tuple(shapers)
        self.lanes = lanes
        self.gold = gold
        self.gate = Gate(min(int(getattr(candidate, "workers", 1)) for candidate in current.values()))

    def collect(
        self,
        starts: Sequence[Start],
        names: Sequence[int | str],
        on_round: OnRound | None = None,
        places: Sequence[int | str] | None = None,
    ) -> list[Episode]:
        """One episode per start, in order.

        Args:
            starts: One per episode.
            names: Path that names this collection, such as (run seed, "train", step); a reply's seed is a hash of it and of
                (episode, role, attempt, turn), so that it depends on nothing else that is played.
            on_round: Called with (finished, total) after each round.
            places: What names each episode in the seeds of its replies, where these starts are a part of a larger collection
                (lanes=1); by default its position.

        Raises:
            BaseException: The error of a lane; the other lanes have ended by then.
        """
        if self.lanes == 1 or places is not None:
            return shape(self._play(starts, places or range(len(starts)), names, on_round, _go_on), self.shapers)
        return self.begin(starts, names).wait(on_round)

    def begin(self, starts: Sequence[Start], names: Sequence[int | str]) -> PendingEpisodes:
        """Starts what `collect` does, in the background; until it is waited for, nobody else may use the samplers."""
        groups = [range(lane, len(starts), self.lanes) for lane in range(min(self.lanes, len(starts)))]

        def work(group: range) -> Callable[[Lane], list[Episode]]:
            of_lane = [starts[i] for i in group]
            return lambda lane: self._play(of_lane, group, names, lambda finished, _: lane.report(finished), lane.check)

        return PendingEpisodes(self, groups, RunningLanes([work(group) for group in groups], len(starts)))

    def _play(
        self,
        starts: Sequence[Start],
        numbers: Sequence[int | str],
        names: Sequence[int | str],
        on_round: OnRound | None,
        check: Callable[[], None],
    ) -> list[Episode]:
        """One batch of episodes; `numbers` are their places in the whole collection, `check` raises where it is to end."""

        def act(prompts: list[PendingPrompt]) -> list[Reply]:
            with self.gate.sampling, self.gate.clock("generate_s"):
                check()
                return self._generate(prompts, [numbers[prompt.episode] for prompt in prompts], names)

        referee = self.referee.in_threads(model_lock=self.gate.alone, clock=lambda: self.gate.clock("verify_s"))
        return play_episodes(starts, act, referee, on_round)

    def _generate(
        self, prompts: Sequence[PendingPrompt], episodes: Sequence[int | str], names: Sequence[int | str]
    ) -> list[Reply]:
        """One reply per prompt: one call per sampler, whatever the number of games and roles; given ones ask no sampler."""
        replies = self._given(prompts)
        samplers = {id(sampler): sampler for sampler in (self.sampler, *self.by_role.values())}  # by identity, not equality
        for sampler in samplers.values():
            places = [
                i
                for i, prompt in enumerate(prompts)
                if i not in replies and self.by_role.get(prompt.slot.role, self.sampler) is sampler
            ]
            if not places:
                continue
            seeds = [(seed_of(*names, episodes[i], *prompts[i].slot),) for i in places]
            groups = with_current_names(sampler).generate([prompts[i].messages for i in places], self.sampling, seeds)
            replies |= {i: reply for i, [reply] in zip(places, groups, strict=True)}
        return [replies[i] for i in range(len(prompts))]

    def _given(self, prompts: Sequence[PendingPrompt]) -> dict[int, Reply]:
        """The replies that nobody samples, by the place of their prompt."""
        if self.gold is None:
            return {}
        given = ((i, self.gold.reply(prompt, self.sampler.policy_version)) for i, prompt in enumerate(prompts))
        return {i: reply for i, reply in given if reply is not None}


class PendingEpisodes:
    """Episodes that are being played."""

    def __init__(self, collector: Collector, groups: Sequence[range], running: RunningLanes[list[Episode]]) -> None:
        self._collector = collector
        self._groups = groups
        self._running = running

    def wait(self, on_round: OnRound | None = None) -> list[Episode]:
        """One episode per start, in order, shaped; see `Collector.collect`."""
        played = self._running.wait(on_round)
        placed = {
            number: episode
            for group, episodes in zip(self._groups, played, strict=True)
            for number, episode in zip(group, episodes, strict=True)
        }
        # which handlers were open when a lane ended is a matter of time; what the whole collection used is not
        backend = self._collector.referee.backend
        return shape([replace(placed[i], backend=backend) for i in range(len(placed))], self._collector.shapers)

    def stop(self) -> None:
        """Gives the episodes up; returns when no lane uses a sampler any more."""
        self._running.stop()


def shape(episodes: Sequence[Episode], shapers: Sequence[Shaper]) -> list[Episode]:
    """The episodes with the reward of every shaper as a term of its messages, see `Turn.terms`."""
    shaped = list(episodes)
    for name, shaper in _named(shapers).items():
        for (episode, message), reward in shaper(episodes).items():
            messages = list(shaped[episode].messages)
            terms = messages[message].terms
            terms = {**terms, name: terms.get(name, 0.0) + float(reward)}
            messages[message] = replace(messages[message], terms=terms)
            shaped[episode] = replace(shaped[episode], messages=tuple(messages))
    return shaped


def _named(shapers: Sequence[Shaper]) -> dict[str, Shaper]:
    """Shapers by the names of their functions; of two with one name the second is `NAME-2`."""
    named: dict[str, Shaper] = {}
    for shaper in shapers:
        function = shaper.func if isinstance(shaper, partial) else shaper
        first = name = str(getattr(function, "__name__", type(function).__name__))
        number = 1
        while name in named or name in OTHER_TERMS:
            number += 1
            name = f"{first}-{number}"
        named[name] = shaper
    return named


def _go_on() -> None:
    """Stands for the check of a batch that cannot be stopped."""
