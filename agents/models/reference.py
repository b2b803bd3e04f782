"""The frozen reference: the starting weights, without a second copy of the base where adapters hold what was learned."""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager

from transformers import PreTrainedModel

from .adapters import BASE, has_adapters, use_adapter


class Reference:
    """The model as it was when this was made.

    With adapters, the model itself with its adapters switched off; else a copy in the weights' own precision.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model if has_adapters(model) else copy.deepcopy(model).requires_grad_(False).eval()

    @contextmanager
    def active(self) -> Generator[PreTrainedModel]:
        """Inside, the model that is yielded computes with the starting weights."""
        if not has_adapters(self._model):
            yield self._model
            return
        with use_adapter(self._model, BASE):
            yield self._model
