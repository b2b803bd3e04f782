"""Opens samplers by their text; see `agents.sampler_text`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .sampler import Sampler, TransformersSampler
from .sampler_text import parse_sampler

FLAGS = {"1": True, "true": True, "": True, "0": False, "false": False}


def open_sampler(
    text: str, model: PreTrainedModel | None, tokenizer: PreTrainedTokenizerBase | None, *, max_rows: int = 512
) -> Sampler:
    """The sampler that `text` describes.

    Args:
        text: `NAME` or `NAME:option=value,...`; options are the keywords of the class.
        model: Whose weights speak; None for an endpoint.
        tokenizer: Of that model.
        max_rows: Replies in flight, where the text does not say.

    Raises:
        ValueError: The name or an option is not known, a value is wrong, or one is missing; the sentence says which.
        ModelUnavailable: The package of the engine is not installed.
    """
    name, options = parse_sampler(text)
    if name == "endpoint":
        from .endpoint_sampler import EndpointSampler

        return EndpointSampler(**_typed(EndpointSampler, options, text))
    if model is None or tokenizer is None:
        raise ValueError(f"sampler={text!r} needs a model and its tokenizer; only endpoint speaks without.")
    if name == "vllm":
        from .vllm_sampler import VllmSampler

        return _with_rows(VllmSampler, options, text, model, tokenizer, max_rows)
    return _with_rows(TransformersSampler, options, text, model, tokenizer, max_rows)


def _with_rows(
    factory: type[Any],
    options: Mapping[str, str],
    text: str,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    max_rows: int,
) -> Sampler:
    values = _typed(factory, options, text)
    if "max_rows" in inspect.signature(factory).parameters:
        values.setdefault("max_rows", max_rows)
    return factory(model, tokenizer, **values)


def _typed(factory: type[Any], options: Mapping[str, str], text: str) -> dict[str, Any]:
    """The options with the types of the class's keywords.

    Raises:
        ValueError: One is not a keyword, has a value of another type, or is missing.
    """
    hints = get_type_hints(factory.__init__)
    keywords = {
        name: parameter
        for name, parameter in inspect.signature(factory).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and hints.get(name) in (str, int, float, bool)
    }
    for name in options:
        if name not in keywords:
            raise ValueError(f"sampler={text!r}: option {name!r} is not known; choose among {', '.join(keywords)}.")
    for name, parameter in keywords.items():
        if parameter.default is inspect.Parameter.empty and not options.get(name):
            start = text.rstrip(":,")
            joint = "," if ":" in start else ":"
            raise ValueError(f"sampler={text!r}: option {name!r} is missing; write it as {start}{joint}{name}=...")
    return {name: _convert(value, hints[name], name, text) for name, value in options.items()}


def _convert(value: str, kind: type, name: str, text: str) -> Any:
    try:
        if kind is bool:
            return FLAGS[value.lower()]
        return kind(value)
    except (KeyError, ValueError):
        wanted = {bool: "1 or 0", int: "a whole number", float: "a number"}[kind]
        raise ValueError(f"sampler={text!r}: {name}={value!r} is not understood; write {wanted}.") from None
