from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from agents.samplers.scripted import ScriptedSampler
from agents.samplers.stats import SamplerStats, stats_of


def test_totals_add_up_by_name() -> None:
    stats = SamplerStats(prompt_tokens=2)
    stats.add(prompt_tokens=3, reply_tokens=1)
    assert stats.to_json() == {
        "prompt_tokens": 5,
        "prompt_slots": 0,
        "reread_tokens": 0,
        "reply_tokens": 1,
        "reply_slots": 0,
        "engine_restarts": 0,
    }
    with pytest.raises(AttributeError):
        stats.add(answers=1)


def test_a_sampler_with_a_counter_of_before_is_understood() -> None:
    counts = Counter(prompt_tokens=7, reply_slots=2)
    counts["generate_s"] = 0.5  # type: ignore[assignment]
    assert stats_of(SimpleNamespace(counts=counts)) == SamplerStats(prompt_tokens=7, reply_slots=2)
    sampler = ScriptedSampler([])
    assert stats_of(sampler) is sampler.stats
    assert stats_of(object()) == SamplerStats()
