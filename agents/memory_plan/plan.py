"""The whole memory plan of a run: its demand, the cards that it fits, a remedy for each that it does not, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..config.run import TrainConfig
from ..training.checks import check_run
from .cards import CARDS, Card, Demand, Fit, card_here, demand_of, fit_on
from .host import HostMemory, plan_host
from .remedies import Remedy, find_remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """A run's memory, before anything is loaded."""

    demand: Demand
    fits: Sequence[Fit]
    """On the card of this machine, where there is one, and on those of common sizes."""
    remedies: Mapping[Card, Remedy | None]
    """Of the cards that it does not fit; None where no setting helps."""
    host: HostMemory


def plan_memory(config: TrainConfig) -> MemoryPlan:
    """Plans the memory of a run.

    Raises:
        ModelUnavailable: The sizes of its model are not known here.
        ValueError: As of `check_run`.
    """
    parts = check_run(config, read_tasks=False)
    demand = demand_of(config, parts)
    here = card_here(config.device)
    fits = [fit_on(demand, card) for card in (*((here,) if here else ()), *CARDS)]
    remedies = {fit.card: find_remedy(config, fit.card, parts) for fit in fits if not fit.fits}
    return MemoryPlan(demand=demand, fits=fits, remedies=remedies, host=plan_host(demand))
