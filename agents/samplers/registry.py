"""Opens samplers by their text; see `agents.config.sampler`."""

from __future__ import annotations

import inspect
from functools import partial

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ..config.sampler import SAMPLERS, needs_model, parse_sampler
from .base import Sampler
from .deprecated import with_current_names


def open_sampler(
    text: str, model: PreTrainedModel | None, tokenizer: PreTrainedTokenizerBase | None, *, max_rows: int = 512
) -> Sampler:
    """The sampler that `text` describes; one written with the old names of methods is adapted.

    Args:
        text: `NAME`, or `module:NAME` for a class of your own; then options, as in `NAME:option=value,...`, which are the
            keywords of the class.
        model: Whose weights it samples with; None for an endpoint.
        tokenizer: Of that model.
        max_rows: Replies in flight, where the class takes it and the text does not say.

    Raises:
        UsageError: The name or an option is not known, a value is wrong, or one is missing; the sentence says which.
        ModelUnavailable: The package of the engine is not installed.
    """
    _, options = parse_sampler(text)
    if needs_model(text) and (model is None or tokenizer is None):
        raise ValueError(f"sampler={text!r} needs a model and its tokenizer; only endpoint does without.")
    make = SAMPLERS.find(text)
    if "max_rows" not in options and "max_rows" in inspect.signature(make).parameters:
        make = partial(make, max_rows=max_rows)
    return with_current_names(make(model, tokenizer) if needs_model(text) else make())
