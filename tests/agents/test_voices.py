from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from agents.config import GameMix, TrainConfig
from agents.learner_config import LearnerConfig
from agents.voices import needs_copy, sync_check
from tests.agents.toys import GAME

CONFIG = TrainConfig(games=(GameMix(env_id=GAME),))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, (1e-3, 1e-3)),
        ({"sampler": "vllm:dtype=float32"}, (1e-2, 1e-2)),
        ({"sampler": "vllm"}, (0.1, 2.0)),
        ({"learner": LearnerConfig(dtype="bfloat16")}, (0.1, 2.0)),
        ({"sync_tolerance": 0.05}, (0.05, 0.05)),
        ({"sampler": "vllm", "sync_tolerance": 0.2}, (0.2, 4.0)),
    ],
)
def test_the_tolerance_of_the_sync_check_follows_the_arithmetic(
    changes: dict[str, Any], wanted: tuple[float, float], tokenizer: PreTrainedTokenizerFast
) -> None:
    check = sync_check(replace(CONFIG, **changes), tokenizer)
    assert (check.tolerance, check.tolerance * check.spread) == wanted


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
