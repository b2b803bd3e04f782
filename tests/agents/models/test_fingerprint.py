"""A model's name by content."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from agents.models.fingerprint import fingerprint
from agents.models.loading import load_model


def test_equal_content_has_an_equal_name_and_any_change_another() -> None:
    model, tokenizer = load_model("tiny", device="cpu", short_cuts="none")
    name = fingerprint(model, tokenizer)
    assert fingerprint(*load_model("tiny", device="cpu", short_cuts="onednn=1,blocks=1")) == name  # rounding alone
    parameters = dict(model.named_parameters())
    for which in (next(iter(parameters)), list(parameters)[-1]):
        values = parameters[which].detach().view(-1)
        kept = values[-1].item()
        values[-1] += 1e-6
        assert fingerprint(model, tokenizer) != name
        values[-1] = kept
    assert fingerprint(model, tokenizer) == name
    first, second = values[0].item(), values[1].item()
    values[0], values[1] = second, first  # the same values in other places
    assert fingerprint(model, tokenizer) != name
    values[0], values[1] = first, second
    other = deepcopy(tokenizer)
    other.chat_template = str(tokenizer.get_chat_template()) + " "
    assert fingerprint(model, other) != name
    assert fingerprint(model.to(torch.bfloat16), tokenizer) != name  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 3, 1 << 20])
def test_tensors_of_any_size_count(count: int) -> None:
    from agents.models.fingerprint import _sums

    tensor = torch.arange(count, dtype=torch.int16)
    before = _sums(tensor)
    assert _sums(tensor.clone()) == before
    tensor[-1] += 1
    assert _sums(tensor) != before
