"""The alarms of a run by name: which quantity, how far from where it was, and why that is not health.

A healthy run moves too: answers earn more, entropy falls to a half, replies get shorter by a quarter, proposals harder. The
thresholds lie outside of that. They are ours, but for those with a source.

See: Kuba et al., arXiv 2509.07414, section 6 (play that degenerates without a judge of quality); Huang et al., R-Zero, arXiv
2508.05004 (shared weights collapse); Cui et al., arXiv 2505.22617 (collapse of entropy); Yu et al., DAPO, arXiv 2503.14476
(groups that are all alike; lengths).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .departures import Since

REPEATED = 0.5
"""Of the distinct share: half of what used to be new repeats, so that half of the episodes teach nothing new."""
LOST = 0.25
"""Of all messages, or half of those that were fine where these were fewer than a half: as many rewards are of form alone."""
LONGER = 2.0
"""Times the first length: in health replies get shorter or grow by a part; what doubles is near the limit of tokens soon."""
SHORTER = 1 / 3
"""Of the first length: in health a quarter is lost; with two thirds gone, what was written before cannot be there."""
CERTAIN = 0.2
"""Of the first entropy: in health a half is left; below a fifth samples of one prompt are nearly all the same, and a group of
them teaches nothing."""
UNCERTAIN = 2.0
"""Times the first entropy: training makes a model surer; one that grows so much less sure falls apart."""
FAR = 1.0
"""Nats per token between policy and start: every token is e times as likely as it was, and what was learned before is gone."""
FALLEN = 0.25
"""Of the best score so far is left. Harder proposals cost less: what is never solved pays its proposer nothing. Scores of
answers alone are watched, since in good health the other player may lose what one wins."""
ALL, NOTHING = 0.95, 0.02
"""Shares of answers with full score: beyond them hardly a group of eight differs within itself."""
SILENT = 0.5
"""Share of steps that teach nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An alarm, as a row of the table."""

    name: str
    quantity: str
    """Its name in `QUANTITIES`."""
    sign: Literal[-1, 1]
    """1 where the quantity must not rise above its limit, -1 where it must not fall below."""
    limit: Callable[[float, float], float]
    """Given the reference and the level of the first rows."""
    since: Since
    """What the reference is."""
    why: str
    """Half a sentence: what it means."""


def _lost(reference: float, _: float) -> float:
    return max(reference - LOST, reference / 2)


def _fallen(reference: float, start: float) -> float:
    """Of scores below 0 too, as reward models give them: one near 0 is no measure of their scale."""
    return reference - (1 - FALLEN) * max(abs(reference), abs(start))


RULES = (
    Rule(
        name="proposals repeat",
        quantity="distinct",
        sign=-1,
        limit=lambda reference, _: REPEATED * reference,
        since="best",
        why="the proposer repeats itself",
    ),
    Rule(name="validity is lost", quantity="valid", sign=-1, limit=_lost, since="best", why="messages break the game's form"),
    Rule(
        name="replies do not end",
        quantity="stopped",
        sign=-1,
        limit=_lost,
        since="best",
        why="replies run into the limit of tokens, and what is cut off is mostly worth nothing",
    ),
    Rule(
        name="length explodes",
        quantity="length",
        sign=1,
        limit=lambda reference, _: LONGER * reference,
        since="start",
        why="replies get longer and longer",
    ),
    Rule(
        name="length shrinks",
        quantity="length",
        sign=-1,
        limit=lambda reference, _: SHORTER * reference,
        since="start",
        why="replies shrink to next to nothing",
    ),
    Rule(
        name="entropy collapses",
        quantity="entropy",
        sign=-1,
        limit=lambda reference, _: CERTAIN * reference,
        since="start",
        why="all replies to a prompt are about the same, and nothing is explored",
    ),
    Rule(
        name="entropy explodes",
        quantity="entropy",
        sign=1,
        limit=lambda reference, _: UNCERTAIN * reference,
        since="start",
        why="the model loses what it was sure of",
    ),
    Rule(
        name="KL runs away",
        quantity="KL",
        sign=1,
        limit=lambda *_: FAR,
        since="zero",
        why="nothing holds the policy near its start",
    ),
    Rule(
        name="reward collapses",
        quantity="V",
        sign=-1,
        limit=_fallen,
        since="best",
        why="answers are worth next to nothing of what they were",
    ),
    Rule(
        name="everything is solved",
        quantity="solved",
        sign=1,
        limit=lambda reference, _: ALL if reference < ALL else math.inf,
        since="start",
        why="tasks are too easy to learn from",
    ),
    Rule(
        name="nothing is solved",
        quantity="solved",
        sign=-1,
        limit=lambda reference, _: NOTHING if reference > NOTHING else -math.inf,
        since="best",
        why="tasks are too hard to learn from",
    ),
    Rule(
        name="no signal",
        quantity="no signal",
        sign=1,
        limit=lambda *_: SILENT,
        since="zero",
        why="in every group all returns are alike, and steps teach nothing",
    ),
)
"""All of them but two, which look at more than one series: `drift` and `damage`, in `agents.analysis.stability.alarms`."""
