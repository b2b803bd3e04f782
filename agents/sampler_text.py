"""Samplers as text, without torch, so that configurations stay light.

transformers                                                  the model of this process, decoded here
transformers:max_rows=256,copy=1                              ... with a copy of the weights, for replies while learning
vllm:dtype=float32                                            ... in vLLM
endpoint:url=http://localhost:8000/v1,model=m,key_env=KEY     a remote model: evaluation and opponents
mine:Beam:width=4                                             one of your own, made as Beam(model, tokenizer, width=4)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfplay_envs.named import Registry

SAMPLERS: Registry[Any] = Registry(
    "sampler",
    {
        "transformers": "agents.transformers_sampler:TransformersSampler",
        "vllm": "agents.vllm_sampler:VllmSampler",
        "endpoint": "agents.endpoint_sampler:EndpointSampler",
    },
    group="agents.samplers",
    what="a sampler class",
    fits=callable,
    takes=2,
)


def parse_sampler(text: str) -> tuple[str, dict[str, str]]:
    """Name and options of a text such as `vllm:dtype=float32,sleep=1`; values may hold `=` and `:`, not `,`.

    Raises:
        UsageError: No sampler has that name, or an option is named twice.
    """
    return SAMPLERS.read(text)


def with_options(text: str, options: Mapping[str, str]) -> str:
    """The text with some options added, or given other values."""
    name, given = parse_sampler(text)
    listed = ",".join(f"{key}={value}" if value else key for key, value in {**given, **options}.items())
    return f"{name}:{listed}" if listed else name


def needs_model(text: str) -> bool:
    """Whether the sampler of that description speaks with weights of this process; an endpoint has its own."""
    return parse_sampler(text)[0] != "endpoint"
