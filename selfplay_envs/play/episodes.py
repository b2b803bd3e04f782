"""Plays whole episodes: many games in lock-step, from their starts to their ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..core.records import Episode, Reply
from .match import Match, PendingPrompt, Start, advance
from .referee import Referee


def play_episodes(
    starts: Sequence[Start],
    act: Callable[[list[PendingPrompt]], Sequence[Reply]],
    referee: Referee,
    on_round: Callable[[int, int], None] | None = None,
) -> list[Episode]:
    """Plays every start to its end; each round calls `act` once for all pending slots of all games.

    Args:
        starts: One per episode.
        act: Answers a list of prompts, in order; the collector routes roles to policies here.
        referee: Its sandbox and judges answer the games' requests.
        on_round: Called with (finished, total) episodes after each round, for a progress display.

    Returns:
        One episode per start, in order.
    """
    matches = [Match(start) for start in starts]
    while prompts := [prompt for place, match in enumerate(matches) for prompt in match.pending_prompts(place)]:
        replies = act(prompts)
        advance([(prompt.match, prompt.slot, reply) for prompt, reply in zip(prompts, replies, strict=True)], referee)
        if on_round is not None:
            on_round(sum(match.done for match in matches), len(matches))
    return [match.episode(referee.backend) for match in matches]


def play_episode(start: Start, act: Callable[[list[PendingPrompt]], Sequence[Reply]], referee: Referee) -> Episode:
    """Plays one game to its end; `play_episodes` for one start."""
    return play_episodes([start], act, referee)[0]
