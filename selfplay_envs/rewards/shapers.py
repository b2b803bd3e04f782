"""Batch-level credit terms by name: what a message gains or loses by comparison with the rest of its batch.

A shaper is a pure function of a batch of episodes. The collector records its reward as a term of its own
(`Turn.terms`); the game's credit stays as it was. One of your own is `module:NAME`, a function `(episodes, *, keyword=...)`
whose keywords are options of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..core.records import Episode
from ..names.registry import Registry
from ..tasks.duplicates import recorded_proposal_key

Shaper = Callable[[Sequence[Episode]], dict[tuple[int, int], float]]
"""Maps (episode index, message index) to an extra credit; messages that are not named get none."""


def repetition(episodes: Sequence[Episode]) -> dict[tuple[int, int], float]:
    """Takes a repeated proposal down to -1: a valid proposal equal to an earlier one of the batch, as its game says.

    Code games compare syntax trees; induction, whose program is given, the inputs too. Against collapse onto one easy
    program; compare the cluster penalty of Huang et al., R-Zero, arXiv 2508.05004, here with exact equality instead of BLEU.
    """
    seen: set[tuple[str, str]] = set()
    extra: dict[tuple[int, int], float] = {}
    for index, episode in enumerate(episodes):
        if episode.proposed is None:
            continue
        proposal = (episode.game_name, recorded_proposal_key(episode))
        if proposal in seen:
            extra[index, 0] = -1.0 - episode.messages[0].credit
        seen.add(proposal)
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
