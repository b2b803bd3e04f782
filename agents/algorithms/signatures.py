"""Signatures of advantages and losses: what they must take, and what their keywords tell an algorithm that it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

NEEDS: Mapping[str, str] = {
    "siblings": "every role has a group of at least two messages",
    "state": "the advantage is given `state`, a mapping that lasts from batch to batch, and the `tags` of the messages",
    "value_head": "the advantage is given `values_BT`, and the loss of the value head is added",
    "token_rewards": "under `kl_in=reward` the advantage is given KL as `reward_BT`, the rewards of tokens besides the return",
    "reference": "the loss is given `reference_BT`, log-probabilities under the starting weights",
    "pairs": "rows 2i and 2i + 1, as `select` orders them, stay in one micro-batch",
}
"""What an algorithm may need. Only `siblings` and `pairs` must be declared: keywords of its functions tell the rest."""
FORMER_NEEDS: Mapping[str, str] = {"memory": "state"}
"""Former names, which algorithms of users may still declare."""
KEYWORD_NEEDS: Mapping[str, Mapping[str, str]] = {
    "advantage": {"state": "state", "memory": "state", "values_BT": "value_head", "reward_BT": "token_rewards"},
    "loss": {"reference_BT": "reference"},
}
"""What a keyword of the advantage, or of the loss, says that is needed; `memory` is the former name of `state`."""
POSITIONAL: Mapping[str, str] = {
    "advantage": "returns_B, group_B, mask_BT",
    "loss": "logprobs_BT, old_BT, advantage_BT, mask_BT, denominator",
}
"""The tensors that every advantage and every loss takes, in this order."""


def needs_of(advantage: Callable[..., Any], loss: Callable[..., Any], declared: frozenset[str]) -> frozenset[str]:
    """The declared needs, and those that keywords of the two functions tell."""
    needs = {FORMER_NEEDS.get(name, name) for name in declared}
    for kind, function in (("advantage", advantage), ("loss", loss)):
        needs |= {need for keyword, need in KEYWORD_NEEDS[kind].items() if takes(function, keyword)}
    return frozenset(needs)


def check_positional(kind: str, function: Callable[..., Any], name: str) -> None:
    """Stops at an advantage or a loss that cannot be called as all are.

    Raises:
        ValueError: It takes other arguments.
    """
    tensors = POSITIONAL[kind]
    try:
        inspect.signature(function).bind_partial(*tensors.split(", "))
    except TypeError as error:
        raise ValueError(f"Algorithm.{kind} of {name!r} must take ({tensors}): {error}.") from error


@cache  # called for every micro-batch
def takes(function: Callable[..., Any], keyword: str) -> bool:
    """Whether a function names that keyword."""
    return keyword in inspect.signature(function).parameters


def keywords_for(kind: str, function: Callable[..., Any], needs: frozenset[str], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Of the keywords offered, those that a function names, or takes as `**given` where its algorithm has the need."""
    needed = {"tags": "state", **KEYWORD_NEEDS[kind]}
    return {
        keyword: value
        for keyword, value in offered.items()
        if value is not None and (takes(function, keyword) or (takes_all(function) and needed[keyword] in needs))
    }


@cache
def takes_all(function: Callable[..., Any]) -> bool:
    """Whether a function takes every keyword."""
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in inspect.signature(function).parameters.values())
