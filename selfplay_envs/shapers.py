"""Batch-level credit terms by name: what a message earns or loses by comparison with the rest of its batch.

A shaper is a pure function of a batch of episodes. The collector records what it added in a column of its own
(`Played.shaped`); the game's credit stays as it was. One of your own is `module:NAME`, a function `(episodes, *, keyword=...)`
whose keywords are options of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .buffer import pair_key, task_key
from .named import Registry
from .records import Episode

Shaper = Callable[[Sequence[Episode]], dict[tuple[int, int], float]]
"""Maps (episode index, message index) to an extra credit; messages that are not named get none."""


def repetition(episodes: Sequence[Episode]) -> dict[tuple[int, int], float]:
    """Takes a repeated proposal down to -1: a valid proposal equal to an earlier one of the batch, same syntax tree.

    Games whose program is given (induction) compare the inputs too. Against collapse onto one easy program; compare the
    cluster penalty of Huang et al., R-Zero, arXiv 2508.05004, here with exact equality instead of BLEU.
    """
    seen: set[tuple[str, str]] = set()
    extra: dict[tuple[int, int], float] = {}
    for index, episode in enumerate(episodes):
        if episode.proposed is None:
            continue
        task_type = episode.messages[0].task_type
        name = pair_key(episode.proposed) if task_type == "induction" else task_key(episode.proposed)
        if (episode.env_id, name) in seen:
            extra[index, 0] = -1.0 - episode.messages[0].credit
        seen.add((episode.env_id, name))
    return extra


SHAPERS: Registry[Shaper] = Registry(
    "shaper",
    {"repetition": repetition},
    group="selfplay_envs.shapers",
    what="a function of episodes",
    fits=lambda shaper: callable(shaper) and _is_empty(shaper([])),
    takes=1,
)


def find_shaper(text: str) -> Shaper:
    """The shaper of that text: `NAME`, or `module:NAME` for a function of one's own, as in `mine:novelty:weight=0.5`.

    It is tried on no episode at all.

    Raises:
        UsageError: There is none, it has no such keyword, or it does not return a dict.
    """
    return SHAPERS.find(text)


def _is_empty(extra: object) -> bool:
    if extra == {}:
        return True
    raise TypeError(f"it returns {extra!r:.80} for no episodes; return {{(episode, message): credit}}, here {{}}")
