"""The experiments by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..experiment import Experiment
from .azr import azr
from .lsp import lsp


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """An experiment that can be typed by name."""

    make: Callable[..., Experiment]
    """Takes model, scale, counted, benchmark, device and sandbox, and what `takes` names, all as keywords."""
    line: str
    """What it compares, for the help."""
    takes: tuple[str, ...] = ()


DESIGNS: dict[str, Design] = {
    "azr": Design(make=azr, line="self-play of code games beside RLVR and supervised fine-tuning on fixed tasks"),
    "lsp": Design(
        make=lsp, line="Language Self-Play beside GRPO on data, before and after it, and with a weak judge", takes=("judge",)
    ),
}
