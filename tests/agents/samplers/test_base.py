from __future__ import annotations

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.samplers.base import Sampler
from agents.samplers.endpoint import EndpointSampler
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.transformers import TransformersSampler


def test_all_of_them_are_samplers(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """The type checker says so too; this also runs where nobody checks types."""
    names = {name for name in vars(Sampler) if not name.startswith("_")}
    assert names == {"policy_version", "stats", "generate", "load_weights", "with_adapter", "release_memory", "close"}
    samplers: list[Sampler] = [
        TransformersSampler(model, tokenizer),
        EndpointSampler(url="http://localhost:1/v1", model="m"),
        ScriptedSampler([]),
        ScriptedSampler([]).with_adapter("x"),
    ]
    for sampler in samplers:
        assert all(hasattr(sampler, name) for name in names)
