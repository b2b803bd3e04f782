"""Samplers as text, without torch, so that configurations stay light.

transformers                                                  the model of this process, decoded here
transformers:max_rows=256,copy=1                              ... with a copy of the weights, for replies while learning
vllm:dtype=float32                                            ... in vLLM
endpoint:url=http://localhost:8000/v1,model=m,key_env=KEY     a remote model: evaluation and opponents
mine:Beam:width=4                                             one of your own, made as Beam(model, tokenizer, width=4)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from selfplay_envs.names.registry import Registry

SAMPLERS: Registry[Any] = Registry(
    "sampler",
    {
        "transformers": "agents.samplers.transformers:TransformersSampler",
        "vllm": "agents.samplers.vllm.sampler:VllmSampler",
        "endpoint": "agents.samplers.endpoint:EndpointSampler",
    },
    group="agents.samplers",
    what="a sampler class",
    fits=callable,
    takes=2,
)

ENGINE_DTYPES = ("auto", "float32", "bfloat16", "float16")
"""Precisions of vLLM; `auto`: as the model."""
ENGINE_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks of LoRA adapters that vLLM makes room for."""
_LEAST = {"max_rows": 1, "max_model_len": 0, "kv_cache_gib": 0, "restarts": 0}
"""Smallest values of options of vLLM."""


def parse_sampler(text: str) -> tuple[str, dict[str, str]]:
    """Name and options of a text such as `vllm:dtype=float32,sleep=1`; values may hold `=` and `:`, not `,`.

    Raises:
        UsageError: No sampler has that name, or an option is named twice.
    """
    return SAMPLERS.read(text)


def with_options(text: str, options: Mapping[str, str | None]) -> str:
    """The text with some options added, given other values, or, where they are None, taken out."""
    name, given = parse_sampler(text)
    left = {key: value for key, value in {**given, **options}.items() if value is not None}
    listed = ",".join(f"{key}={value}" if value else key for key, value in left.items())
    return f"{name}:{listed}" if listed else name


def needs_model(text: str) -> bool:
    """Whether the sampler of that description samples from weights of this process; an endpoint has its own."""
    return parse_sampler(text)[0] != "endpoint"


def check_engine(options: Mapping[str, Any]) -> None:
    """Refuses options that no vLLM could follow, before a model is loaded for it; see `agents.samplers.vllm.sampler`.

    Args:
        options: Those that are set, by name.

    Raises:
        ValueError: One is wrong.
    """
    dtype, hang_s, share = options.get("dtype", "auto"), options.get("hang_s", 1), options.get("gpu_memory_utilization", 0)
    if dtype not in ENGINE_DTYPES:
        raise ValueError(f"sampler vllm: dtype={dtype!r} is not known; choose one of {', '.join(ENGINE_DTYPES)}.")
    for name, low in _LEAST.items():
        if not low <= options.get(name, low) < math.inf:
            raise ValueError(
                f"sampler vllm: {name}={options[name]!r} must be at least {low}, and finite; leave it out for the default."
            )
    if hang_s <= 0:
        raise ValueError(f"sampler vllm: hang_s={hang_s!r} must be above 0; 300 is the default.")
    if not 0 <= share <= 1:
        raise ValueError(f"sampler vllm: gpu_memory_utilization={share!r} is no share from 0 to 1; leave it out.")
