"""Running totals of a sampler."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(slots=True, kw_only=True)
class SamplerStats:
    """Totals since a sampler was made. Seconds are not among them: the collector counts those of all its samplers together."""

    prompt_tokens: int = 0
    """Tokens of distinct prompts."""
    prompt_slots: int = 0
    """Positions computed for them, padding included."""
    reread_tokens: int = 0
    """Part of the slots: a prompt whose replies were split over batches is computed again."""
    reply_tokens: int = 0
    """Tokens of replies."""
    reply_slots: int = 0
    """Tokens sampled, those behind a finished reply included."""
    engine_restarts: int = 0
    """Engines started in the place of one that died."""

    def add(self, **counts: int) -> None:
        """Adds to the totals of those names."""
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)

    def to_json(self) -> dict[str, int]:
        """The totals by name."""
        return asdict(self)


def stats_of(sampler: Any) -> SamplerStats:
    """A sampler's totals; of one that has only a Counter `counts`, as samplers had before, those that it holds."""
    stats = getattr(sampler, "stats", None)
    if isinstance(stats, SamplerStats):
        return stats
    counts: Counter[str] = Counter(getattr(sampler, "counts", {}))
    return SamplerStats(**{field.name: int(counts[field.name]) for field in fields(SamplerStats)})
