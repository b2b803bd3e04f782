"""Checks of what callers hand to views and games: actions, seeds, credits, and the options of `reset`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import UsageError
from .game import Game
from .text import clean_text, did_you_mean

SHARED_KEYS = ("task", "references")
"""Options that every game may be handed, whether it reads them or not: trainers pass them."""


def action_text(action: object, name: str = "action") -> str:
    """Text of an action, fit for a game.

    Raises:
        UsageError: It is no text.
    """
    if not isinstance(action, str):
        raise UsageError(
            f"{name}={action!r:.40} is of type {type(action).__name__}; an action is a str, the text of one message."
        )
    return clean_text(action)


def seed_number(seed: object, name: str = "seed") -> int:
    """Seed as a Python int; numpy's whole numbers are as good.

    Raises:
        UsageError: It is negative, or not a whole number.
    """
    if isinstance(seed, np.ndarray) and seed.ndim == 0:
        seed = seed[()]
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise UsageError(f"{name}={seed!r:.40} is not a whole number of at least 0; pass an int, or None to draw one.")
    return int(seed)


def credit_number(credit: object, name: str) -> float:
    """A credit that a keyword of a game sets.

    Raises:
        UsageError: It is no number, or not a finite one.
    """
    if isinstance(credit, bool) or not isinstance(credit, int | float | np.number) or not math.isfinite(credit):
        raise UsageError(f"{name}={credit!r:.40} is not a finite number; choose one, such as -0.5.")
    return float(credit)


def check_options(options: object, game: Game, *, where: str = "options", view_keys: Sequence[str] = ()) -> Mapping[str, Any]:
    """Options of a `reset`, in a form that the game can read.

    Args:
        options: A mapping, or None.
        game: Declares further keys in `option_keys`.
        where: Names the argument in errors.
        view_keys: Keys that the view itself reads.

    Raises:
        UsageError: They are no mapping, hold an unknown key, or a task or references that are no mappings.
    """
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise UsageError(f"{where}={options!r:.60} is not a dict; pass for example {{'task': ...}}, or None.")
    known = [*SHARED_KEYS, *game.option_keys, *view_keys]
    for key in options:
        if key not in known:
            hint = did_you_mean(str(key), known) or ";"
            raise UsageError(f"{where} has the key {key!r}, which nobody reads{hint} choose of {', '.join(known)}.")
    task, references = options.get("task"), options.get("references")
    if task is not None and not isinstance(task, Mapping):
        raise UsageError(f"{where}['task']={task!r:.60} is not a dict; pass a task as `Episode.proposed` holds it.")
    listed = references is None or isinstance(references, list | tuple)
    if not listed or not all(isinstance(reference, Mapping) for reference in references or ()):
        raise UsageError(f"{where}['references']={references!r:.60} is not a list of dicts; pass a list of tasks.")
    return options
