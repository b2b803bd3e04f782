"""The collector: plays many episodes with one call of the sampler per lane and round, and applies the batch's shapers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from selfplay_envs import Ask, Episode, Referee, Reply, Start, play_episodes
from selfplay_envs.shapers import Shaper

from .lanes import Flight, Gate, Lane, LaneReferee, OnRound
from .sampler import Sampler
from .sampling import Sampling
from .seeding import seed_of

__all__ = ["Collection", "Collector", "OnRound", "shape"]


class Collector:
    """Plays starts to their ends.

    Args:
        sampler: Speaks for every role that `by_role` does not name.
        referee: Whose sandbox and judge answer the games.
        sampling: How replies are drawn.
        by_role: Samplers of their own for some roles, such as a frozen proposer; their replies are played, and train only if
            they carry tokens and the role is trained.
        shapers: Batch-level credit terms, added up into `Played.shaped`.
        lanes: Groups of a step's episodes that play side by side: while the programs of one are verified, another is spoken
            for. Every lane is a batch of its own, so their number changes replies by floating-point rounding, and only by that.
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
    ) -> None:
        if lanes < 1:
            raise ValueError(f"lanes={lanes!r} must be at least 1; 1 plays all episodes in one batch.")
        self.sampler = sampler
        self.referee = referee
        self.sampling = sampling
        self.by_role = dict(by_role or {})
        self.shapers = tuple(shapers)
        self.lanes = lanes
        voices = (self.sampler, *self.by_role.values())
        self.gate = Gate(min(int(getattr(voice, "workers", 1)) for voice in voices))

    def collect(self, starts: Sequence[Start], names: Sequence[int | str], on_round: OnRound | None = None) -> list[Episode]:
        """One episode per start, in order.

        Args:
            starts: How they begin.
            names: Path that names this collection, such as (run seed, "train", step); a reply's seed is a hash of it and of
                (episode, role, attempt, turn), so that it depends on nothing else that is played.
            on_round: Told (finished, total) after each round.

        Raises:
            BaseException: What a lane raised; the other lanes have ended by then.
        """
        if self.lanes == 1:
            return shape(self._play(starts, range(len(starts)), names, on_round, _go_on), self.shapers)
        return self.begin(starts, names).wait(on_round)

    def begin(self, starts: Sequence[Start], names: Sequence[int | str]) -> Collection:
        """Starts what `collect` does, in the background; until it is waited for, nobody else may use the samplers."""
        groups = [range(lane, len(starts), self.lanes) for lane in range(min(self.lanes, len(starts)))]

        def work(group: range) -> Callable[[Lane], list[Episode]]:
            own = [starts[i] for i in group]
            return lambda lane: self._play(own, group, names, lambda finished, _: lane.report(finished), lane.check)

        return Collection(self, groups, Flight([work(group) for group in groups], len(starts)))

    def _play(
        self,
        starts: Sequence[Start],
        numbers: Sequence[int],
        names: Sequence[int | str],
        on_round: OnRound | None,
        check: Callable[[], None],
    ) -> list[Episode]:
        """One batch of episodes; `numbers` are their places in the whole collection, `check` raises where it is to end."""
        fresh = [replace(start) for start in starts]  # objects of their own, as their identity names the episode
        number = {id(start): place for start, place in zip(fresh, numbers, strict=True)}

        def act(asks: list[Ask]) -> list[Reply]:
            with self.gate.speaking, self.gate.clock("generate_s"):
                check()
                return self._act(asks, [number[id(ask.match.start)] for ask in asks], names)

        return play_episodes(fresh, act, LaneReferee(self.referee, self.gate), on_round)

    def _act(self, asks: Sequence[Ask], episodes: Sequence[int], names: Sequence[int | str]) -> list[Reply]:
        """One reply per ask: one call per sampler, whatever the number of games."""
        replies: dict[int, Reply] = {}
        for sampler in {id(one): one for one in (self.sampler, *self.by_role.values())}.values():
            mine = [i for i, ask in enumerate(asks) if self.by_role.get(ask.slot.role, self.sampler) is sampler]
            if not mine:
                continue
            seeds = [(seed_of(*names, episodes[i], *asks[i].slot),) for i in mine]
            answers = sampler.act([asks[i].messages for i in mine], self.sampling, seeds)
            replies |= {i: reply for i, [reply] in zip(mine, answers, strict=True)}
        return [replies[i] for i in range(len(asks))]


class Collection:
    """Episodes on their way."""

    def __init__(self, collector: Collector, groups: Sequence[range], flight: Flight[list[Episode]]) -> None:
        self._collector = collector
        self._groups = groups
        self._flight = flight

    def wait(self, on_round: OnRound | None = None) -> list[Episode]:
        """One episode per start, in order, shaped; see `Collector.collect`."""
        played = self._flight.wait(on_round)
        placed = {
            number: one for group, own in zip(self._groups, played, strict=True) for number, one in zip(group, own, strict=True)
        }
        # which handlers were open when a lane ended is a matter of time; what the whole collection used is not
        backend = self._collector.referee.backend
        return shape([replace(placed[i], backend=backend) for i in range(len(placed))], self._collector.shapers)

    def stop(self) -> None:
        """Gives the episodes up; returns when no lane uses a sampler any more."""
        self._flight.stop()


def shape(episodes: Sequence[Episode], shapers: Sequence[Shaper]) -> list[Episode]:
    """The episodes with the sum of all shapers' extra credit in `Played.shaped`."""
    extra: dict[tuple[int, int], float] = {}
    for shaper in shapers:
        for where, credit in shaper(episodes).items():
            extra[where] = extra.get(where, 0.0) + credit
    shaped = list(episodes)
    for (episode, message), credit in extra.items():
        messages = list(shaped[episode].messages)
        messages[message] = replace(messages[message], shaped=messages[message].shaped + credit)
        shaped[episode] = replace(shaped[episode], messages=tuple(messages))
    return shaped


def _go_on() -> None:
    """The check of a batch that nobody stops."""
