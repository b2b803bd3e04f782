"""What a row of evaluations must hold for its answers to be counted; anybody may have written the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfplay_envs import UsageError

REMEDY = "write it as `selfplay eval --json` does, or a line per sample"


def check_evaluation(row: Mapping[str, Any]) -> None:
    """Makes sure that `problems` is an object of games, each with the answers that are right, of how many samples.

    Raises:
        UsageError: It is not; names the game and the field.
    """
    for game, entry in row["problems"].items():
        if not isinstance(entry, dict):
            raise UsageError(f"problems, {game}: {str(entry)[:60]!r} is no object with right and samples; {REMEDY}.")
        right, samples = entry.get("right"), entry.get("samples")
        if not _is_count(samples):
            raise UsageError(f"problems, {game}: samples={samples!r} must be a whole number of 0 or more; {REMEDY}.")
        if not isinstance(right, list):
            raise UsageError(f"problems, {game}: right={str(right)[:60]} must be a list, a number per problem; {REMEDY}.")
        void = entry.get("void", [])
        void = void if isinstance(void, list) else []  # older rows hold one sum for all problems
        for field, values in (("void", void), ("programs", entry.get("programs") or [])):
            if not isinstance(values, list) or len(values) not in (0, len(right)):
                raise UsageError(f"problems, {game}: {field} must be a list as long as right, {len(right)} long; {REMEDY}.")
        for one, without in zip(right, void or [0] * len(right), strict=True):
            if not (_is_count(one) and _is_count(without) and one + without <= samples):
                raise UsageError(
                    f"problems, {game}: right={one!r} and void={without!r} of samples={samples} must be whole numbers that "
                    f"are not more together; {REMEDY}."
                )
        if wrong := [name for name in entry.get("programs") or [] if not isinstance(name, str)]:
            raise UsageError(f"problems, {game}: programs holds {wrong[0]!r}, which is no text; {REMEDY}.")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
