"""Counters of a sandbox's work so far, for the live view and for whoever wonders where the time goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStats:
    """A snapshot; every number counts from when the sandbox was opened."""

    jobs: int = 0
    """Jobs answered."""
    statuses: Mapping[str, int] = field(default_factory=dict[str, int])
    """Calls answered, by status."""
    cache_hits: int = 0
    """Calls answered from the verdict cache."""
    cache_misses: int = 0
    engine_calls: int = 0
    """Calls answered by the fast engine."""
    busy_s: float = 0.0
    """Wall seconds during which some job was in flight."""
    queued: int = 0
    """Jobs that wait for a worker now."""
    running: int = 0
    """Jobs that workers hold now."""
    workers: int = 0
    """Workers that are up now."""
    started: int = 0
    """Workers started so far."""
    lost: int = 0
    """Workers that died, hung, or sent something impossible."""
    recycled: int = 0
    """Workers that were replaced after they had run their share of jobs."""
    requeued: int = 0
    """Jobs sent again because their worker was lost."""
    layers: tuple[str, ...] = ()
    """Isolation layers that a worker reported, such as `seccomp`; empty before the first is up."""

    def __add__(self, other: SandboxStats) -> SandboxStats:
        """Those of two sandboxes together. Where they worked side by side, `busy_s` counts the time of each."""
        mine, theirs = (
            {each.name: getattr(stats, each.name) for each in fields(stats) if each.name not in ("statuses", "layers")}
            for stats in (self, other)
        )
        return SandboxStats(
            statuses=Counter(self.statuses) + Counter(other.statuses),
            layers=self.layers or other.layers,
            **{name: mine[name] + theirs[name] for name in mine},
        )

    @property
    def calls(self) -> int:
        """Calls answered."""
        return sum(self.statuses.values())

    @property
    def calls_per_s(self) -> float:
        """Calls answered per second of business; 0 before the first."""
        return self.calls / self.busy_s if self.busy_s else 0.0
