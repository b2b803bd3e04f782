"""One scripted episode of a code game, and its credits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selfplay_envs import Episode, PendingPrompt, Referee, Reply, Start, play_episode
from selfplay_envs.replies.parsing import fence

DOUBLE = fence("python", "def f(x):\n    return x * 2") + "\n" + fence("input", "3")


def played(
    env_id: str,
    proposal: str,
    answers: Sequence[str],
    referee: Referee,
    options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Episode:
    """One episode in which the proposer says `proposal` and solver k says `answers[k]`."""

    def generate(prompts: list[PendingPrompt]) -> list[Reply]:
        return [Reply(text=proposal if one.slot.role == "proposer" else answers[one.slot.attempt]) for one in prompts]

    start = Start(env_id, 0, {"attempts": max(len(answers), 1), "style": "terse", **kwargs}, options or {})
    return play_episode(start, generate, referee)


def credits_of(episode: Episode) -> list[float]:
    """The game's credit of every message, in order."""
    return [turn.credit for turn in episode.messages]
