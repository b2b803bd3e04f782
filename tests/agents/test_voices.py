from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agents.config import GameMix, TrainConfig
from agents.learner_config import LearnerConfig
from agents.voices import needs_copy, sync_tolerance
from tests.agents.toys import GAME

CONFIG = TrainConfig(games=(GameMix(env_id=GAME),))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, 1e-3),
        ({"sampler": "vllm:dtype=float32"}, 1e-2),
        ({"sampler": "vllm"}, 0.3),
        ({"learner": LearnerConfig(dtype="bfloat16")}, 0.3),
        ({"sync_tolerance": 0.05}, 0.05),
    ],
)
def test_the_tolerance_of_the_sync_check_follows_the_arithmetic(changes: dict[str, Any], wanted: float) -> None:
    assert sync_tolerance(replace(CONFIG, **changes)) == wanted


@pytest.mark.parametrize(
    ("sampler", "staleness", "wanted"),
    [
        ("transformers", 0, False),
        ("transformers", 1, True),
        ("transformers:copy=0", 1, True),
        ("transformers:copy=1", 1, False),
        ("vllm", 1, False),
    ],
)
def test_a_sampler_gets_a_copy_where_it_would_speak_while_the_learner_writes(
    sampler: str, staleness: int, wanted: bool
) -> None:
    assert needs_copy(replace(CONFIG, sampler=sampler, staleness=staleness)) == wanted
