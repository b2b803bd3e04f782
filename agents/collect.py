"""The collector: plays many episodes with one call of the sampler per round, and applies the batch's shapers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from selfplay_envs import Ask, Episode, Referee, Reply, Start, play_episodes
from selfplay_envs.shapers import Shaper

from .sampler import Sampler
from .sampling import Sampling
from .seeding import seed_of

OnRound = Callable[[int, int], None]


class Collector:
    """Plays starts to their ends.

    Args:
        sampler: Speaks for every role that `by_role` does not name.
        referee: Whose sandbox and judge answer the games.
        sampling: How replies are drawn.
        by_role: Samplers of their own for some roles, such as a frozen proposer; their replies are played, and train only if
            they carry tokens and the role is trained.
        shapers: Batch-level credit terms, added up into `Played.shaped`.
    """

    def __init__(
        self,
        sampler: Sampler,
        referee: Referee,
        sampling: Sampling,
        *,
        by_role: Mapping[str, Sampler] | None = None,
        shapers: Sequence[Shaper] = (),
    ) -> None:
        self.sampler = sampler
        self.referee = referee
        self.sampling = sampling
        self.by_role = dict(by_role or {})
        self.shapers = tuple(shapers)

    def collect(self, starts: Sequence[Start], names: Sequence[int | str], on_round: OnRound | None = None) -> list[Episode]:
        """One episode per start, in order.

        Args:
            starts: How they begin.
            names: Path that names this collection, such as (run seed, "train", step); a reply's seed is a hash of it and of
                (episode, role, attempt, turn), so that it depends on nothing else that is played.
            on_round: Told (finished, total) after each round.
        """
        number: dict[int, int] = {}

        def act(asks: list[Ask]) -> list[Reply]:
            return self._act(asks, [number.setdefault(id(ask.match), len(number)) for ask in asks], names)

        return shape(play_episodes(starts, act, self.referee, on_round), self.shapers)

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
