"""Options of a run for its algorithm: texts of a command line as values, and what has no meaning for pairs of messages."""

from __future__ import annotations

from collections.abc import Mapping

from ..config.objective import Objective, Option

BY_QUESTION = ("prompt", "query", "task")
"""Groupings whose messages answer the same question."""
IDLE: Mapping[str, Option] = {"tis_cap": 0.0, "entropy_share": 1.0, "covariance": "none"}
"""Fields of `Objective` that weigh tokens, and the values at which they do nothing."""


def option_like(like: Option, name: str, value: Option) -> Option:
    """A value as the type of the one that it replaces; texts come from a command line.

    Raises:
        ValueError: It is none of that type.
    """
    if isinstance(value, bool) and not isinstance(like, bool):
        raise ValueError(f"options {name}={value!r} is not like {like!r}.")
    if isinstance(like, bool) and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(like, float | int) and not isinstance(like, bool):
        try:
            number = float(value)
            return int(number) if isinstance(like, int) and number.is_integer() else number
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"options {name}={value!r} is not a number, such as {like}.") from None
    if type(value) is not type(like):
        raise ValueError(f"options {name}={value!r} is not like {like!r}.")
    return value


def check_pairs(algorithm: str, group_by: str, objective: Objective) -> None:
    """Stops at settings that an algorithm of pairs cannot have: its loss is no sum over tokens that weights could be put on.

    Raises:
        ValueError: A pair would be of different questions, or a setting has no meaning.
    """
    if group_by not in BY_QUESTION:
        raise ValueError(
            f"options group_by={group_by!r} would pair messages of different questions; choose prompt, query or task."
        )
    if objective.aggregate not in ("message", "role"):
        raise ValueError(
            f"options aggregate={objective.aggregate!r} has no meaning for pairs of messages, whose loss is no sum "
            "over tokens; choose message or role."
        )
    for name, idle in IDLE.items():
        if getattr(objective, name) != idle:
            raise ValueError(
                f"options {name!r} has no meaning for pairs of messages; leave it out with algorithm={algorithm!r}."
            )
