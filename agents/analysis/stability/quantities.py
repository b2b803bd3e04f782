"""What tells of a run's health: quantities by role, read from the rows of `metrics.jsonl`; no episode is opened.

See: Kuba et al., Language Self-Play, arXiv 2509.07414 (the challenger's reward, V, V_Q and KL over iterations); Chae et al.,
arXiv 2510.27072 (entropy by role, length of replies).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ...runs.columns import Row, distinct_share, of_role, reward_terms

WHOLE = "whole run"
"""In the place of a role, where a number is of all roles together."""
Of = Literal["each", "answering", "proposing", "whole"]
"""Of which roles a quantity is: of each, of those that answer a task, of the others (`WHOLE` as their name where there are
several, as rows count proposals together), or of all at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number of a step."""

    name: str
    meaning: str
    """Of the number and its unit."""
    of: Of
    read: Callable[[Row, str], float | None]
    """Of a row and a role; None where the row does not hold it."""


def _mean(what: str) -> Callable[[Row, str], float | None]:
    return lambda row, role: of_role(row, role, what)


def _return(row: Row, role: str) -> float | None:
    terms = reward_terms(row, role)
    return sum(terms.values()) if terms else None


def _kl(row: Row, role: str) -> float | None:
    return row.get("kl_reference") if role == WHOLE else of_role(row, role, "kl_reference")


def _distinct(row: Row, _: str) -> float | None:
    return distinct_share(row)


def _silent(row: Row, _: str) -> float | None:
    return row.get("no_signal")


QUANTITIES = (
    Quantity(name="reward", meaning="mean credit of the game per message", of="each", read=_mean("credit_mean")),
    Quantity(name="return", meaning="mean training return per message, all its terms together", of="each", read=_return),
    Quantity(name="V", meaning="mean score of answers by the game's judge", of="answering", read=_mean("score_mean")),
    Quantity(name="V_Q", meaning="mean quality of answers by the judge of quality", of="answering", read=_mean("quality_mean")),
    Quantity(name="solved", meaning="share of answers with full score", of="answering", read=_mean("solve_rate")),
    Quantity(name="KL", meaning="KL to the starting weights, nats per trained token", of="each", read=_kl),
    Quantity(name="KL, all roles", meaning="KL to the starting weights, nats per trained token", of="whole", read=_kl),
    Quantity(name="length", meaning="tokens per reply", of="each", read=_mean("reply_tokens")),
    Quantity(name="valid", meaning="share of messages that are valid", of="each", read=_mean("valid_rate")),
    Quantity(name="stopped", meaning="share of replies that ended by themselves", of="each", read=_mean("stop_rate")),
    Quantity(name="entropy", meaning="entropy of the next token, nats per trained token", of="each", read=_mean("entropy")),
    Quantity(name="distinct", meaning="different proposals of a step per valid one", of="proposing", read=_distinct),
    Quantity(name="no signal", meaning="share of steps in which all groups are of equal returns", of="whole", read=_silent),
)
"""All of them, in the order of tables and pictures. Terms that a batch adds to a return follow under their own names."""
