"""Ways of computing on processors that pay on some machines and cost on others; without torch, so that configs stay light.

auto                       each is tried for some milliseconds, with the model's own shapes, and taken where it is faster
none                       none of them: torch's own way, with the threads that torch has
onednn=0,threads=1         these as given, the others tried

    onednn      products of float32 through oneDNN instead of torch's BLAS (`agents.kernels.cpu_matmul`)
    blocks      their rows filled up to few different numbers, where oneDNN is taken
    attention   short sequences of bfloat16 attend in float32 (`agents.kernels.cpu_attention`)
    tables      gradients of large word tables are added in place (`agents.kernels.embedding_gradients`)
    threads     of torch, inside one operation
    workers     batches that are decoded, and micro-batches that are learned from, side by side, on one core each

All of them change results by rounding alone; the same choices give the same bits on the same kind of processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

SWITCHES = ("onednn", "blocks", "attention", "tables")
TAKEN = "short_cuts_taken"
"""Attribute of a model; copies of it, and what wraps it, have it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortCuts:
    """The ways that are taken; by default none. `text` and `parse_short_cuts` are inverse."""

    onednn: bool = False
    blocks: bool = False
    attention: bool = False
    tables: bool = False
    threads: int = 0
    """0 leaves torch's."""
    workers: int = 1

    @property
    def text(self) -> str:
        """As the setting that forces every choice."""
        return ",".join(f"{name}={int(value)}" for name, value in asdict(self).items())

    @classmethod
    def of(cls, choices: Mapping[str, int]) -> Self:
        """From numbers by name, with those of the switches 0 or 1."""
        given: dict[str, Any] = {name: bool(value) if name in SWITCHES else value for name, value in choices.items()}
        return cls(**given)


def short_cuts_of(model: object) -> ShortCuts:
    """Short cuts that `hardware.machine.use_short_cuts` gave a model or the one it was copied from, if any."""
    return getattr(model, TAKEN, ShortCuts())


def parse_short_cuts(text: str) -> dict[str, int]:
    """The choices that a setting forces, by name; what it leaves out is to be tried.

    Raises:
        ValueError: A name or a value is not known, or a name comes twice.
    """
    if text == "auto":
        return {}
    if text == "none":
        return {name: int(value) for name, value in asdict(ShortCuts()).items()}
    choices: dict[str, int] = {}
    for item in text.split(","):
        name, _, value = item.strip().partition("=")
        known = [field.name for field in fields(ShortCuts)]
        if name not in known or name in choices:
            problem = "comes twice" if name in choices else "is not known"
            raise ValueError(
                f"short_cuts={text!r}: {name!r} {problem}; write auto, none, or some of {', '.join(known)} as in "
                "onednn=0,threads=1."
            )
        highest = 1 if name in SWITCHES else 1_024
        lowest = 1 if name == "workers" else 0
        if not (value.isascii() and value.isdecimal() and lowest <= int(value) <= highest):
            form = "0 or 1" if name in SWITCHES else f"a whole number from {lowest} to {highest}"
            raise ValueError(f"short_cuts={text!r}: {name}={value!r} is not {form}; correct it, or leave it out to try it.")
        choices[name] = int(value)
    return choices
