from __future__ import annotations

import json

import torch

from agents.analysis.weights.counts import TOLERANCES
from agents.analysis.weights.records import to_json
from agents.analysis.weights.sparsity import measure_sparsity
from tests.helpers.checkpoints import in_memory, random_tensors


def test_the_record_is_json_with_every_share() -> None:
    found = measure_sparsity(in_memory(random_tensors(0)), in_memory(random_tensors(1) | {"odd": torch.ones(2)}))
    record = json.loads(json.dumps(to_json(found)))
    assert record["tolerances"] == list(TOLERANCES)
    assert record["whole"]["float32"][0] == found.whole.changes.float32_share()
    assert record["whole"]["weights"] == found.whole.changes.weights
    assert record["tensors"][0]["unchanged_bfloat16"] == list(found.tensors[0].changes.unchanged_bfloat16)
    assert len(record["tensors"]) == len(found.tensors)
    assert record["not_compared"] == [{"name": "odd", "reason": "only in end"}]
