"""Samplers as text, without torch, so that configurations stay light.

transformers                                                  the model of this process, decoded here
transformers:max_rows=256,copy=1                              ... with a copy of the weights, for replies while learning
vllm:dtype=float32                                            ... in vLLM
endpoint:url=http://localhost:8000/v1,model=m,key_env=KEY     a remote model: evaluation and opponents
"""

from __future__ import annotations

SAMPLERS = ("transformers", "vllm", "endpoint")


def parse_sampler(text: str) -> tuple[str, dict[str, str]]:
    """Name and options of a text such as `vllm:dtype=float32,sleep=1`; values may hold `=` and `:`, not `,`.

    Raises:
        ValueError: No sampler has that name, or an option is named twice.
    """
    name, _, rest = text.partition(":")
    if name not in SAMPLERS:
        raise ValueError(
            f"sampler={text!r} is not known; choose one of {', '.join(SAMPLERS)}, as in transformers:max_rows=256."
        )
    options: dict[str, str] = {}
    for item in filter(None, rest.split(",")):
        key, _, value = item.partition("=")
        if key in options:
            raise ValueError(f"sampler={text!r} names {key} twice; keep one.")
        options[key] = value
    return name, options


def needs_model(text: str) -> bool:
    """Whether the sampler of that description speaks with weights of this process; an endpoint has its own."""
    return parse_sampler(text)[0] != "endpoint"
