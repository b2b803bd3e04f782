from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from agents.kernels import packed_attention
from agents.kernels.cpu_attention import SHORT, SHORT_FLOAT32, attention, use_short_float32
from agents.models.families import can_share_prompts
from tests.helpers.toys import build_model


class Layer(nn.Module):
    """What transformers reads of an attention layer: two heads of keys for four of queries."""

    num_key_value_groups = 2
    is_causal = True


def parts(queries: int, keys: int, dtype: torch.dtype = torch.bfloat16) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(queries * 1_000 + keys)
    query, key, value = (
        torch.randn(2, heads, length, 8, generator=rng) for heads, length in ((4, queries), (2, keys), (2, keys))
    )
    return query.to(dtype), key.to(dtype), value.to(dtype)


def asked_in(monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """Precisions in which transformers' own attention is asked from now on."""
    seen: list[torch.dtype] = []
    forward = packed_attention.attention

    def note(module: nn.Module, query: Tensor, *rest: Any, **given: Any) -> Any:
        seen.append(query.dtype)
        return forward(module, query, *rest, **given)

    monkeypatch.setattr(packed_attention, "attention", note)
    return seen


@pytest.mark.parametrize("masked", [False, True])
def test_it_is_attention_in_float32_rounded_once(masked: bool) -> None:
    query, key, value = parts(5, 5)
    seen_TT = torch.ones(5, 5, dtype=torch.bool).tril() & ~(torch.arange(5) == 1)[None] | torch.eye(5, dtype=torch.bool)
    mask = seen_TT[None, None] if masked else None
    out, weights = attention(Layer(), query, key, value, mask, scaling=0.5)
    wide_key, wide_value = (one.double().repeat_interleave(2, 1) for one in (key, value))
    scores = query.double() @ wide_key.transpose(-1, -2) * 0.5
    scores = scores.masked_fill(~(seen_TT if masked else torch.ones(5, 5, dtype=torch.bool).tril()), -torch.inf)
    exact = (scores.softmax(-1) @ wide_value).transpose(1, 2)
    assert weights is None
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out, exact.bfloat16(), rtol=2**-8, atol=1e-6)  # one rounding


def test_gradients_come_back_in_the_model_s_precision() -> None:
    query, key, value = (one.requires_grad_() for one in parts(4, 4))
    attention(Layer(), query, key, value, None)[0].float().square().sum().backward()
    for one in (query, key, value):
        assert one.grad is not None
        assert one.grad.dtype == torch.bfloat16
        assert one.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("queries", "keys", "dtype", "wanted"),
    [
        (SHORT, SHORT, torch.bfloat16, torch.float32),
        (SHORT + 1, SHORT + 1, torch.bfloat16, torch.bfloat16),  # long
        (1, 9, torch.bfloat16, torch.bfloat16),  # one token against a cache
        (2, 9, torch.bfloat16, torch.float32),  # a prompt behind a cached one
        (9, 9, torch.float32, torch.float32),
        (9, 9, torch.float64, torch.float64),
    ],
)
def test_what_is_computed_in_float32(
    monkeypatch: pytest.MonkeyPatch, queries: int, keys: int, dtype: torch.dtype, wanted: torch.dtype
) -> None:
    seen = asked_in(monkeypatch)
    assert attention(Layer(), *parts(queries, keys, dtype), None)[0].dtype == dtype
    assert seen == [wanted]


def test_single_queries_against_a_cache_in_float32_are_rounded_once() -> None:
    query, _, _ = parts(1, 300)
    _, key, value = parts(1, 300, torch.float32)
    seen = torch.ones(2, 1, 1, 300, dtype=torch.bool)
    out, _ = attention(Layer(), query, key, value, seen, scaling=0.5)
    wide_key, wide_value = (one.double().repeat_interleave(2, 1) for one in (key, value))
    exact = ((query.double() @ wide_key.transpose(-1, -2) * 0.5).softmax(-1) @ wide_value).transpose(1, 2)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out, exact.bfloat16(), rtol=2**-8, atol=1e-6)


def test_a_model_takes_it_and_may_still_share_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = asked_in(monkeypatch)
    model = cast(Any, build_model()).to(torch.bfloat16)
    before = model(input_ids=torch.tensor([[3, 4, 5, 6]])).logits
    assert seen == []
    use_short_float32(model)
    after = model(input_ids=torch.tensor([[3, 4, 5, 6]])).logits
    assert model.config._attn_implementation == SHORT_FLOAT32
    assert can_share_prompts(model)
    assert set(seen) == {torch.float32}
    torch.testing.assert_close(after, before, rtol=0.05, atol=0.02)


def test_a_model_that_asks_for_another_kernel_keeps_it() -> None:
    model = build_model()
    cast(Any, model).set_attn_implementation("eager")
    use_short_float32(model)
    assert model.config._attn_implementation == "eager"
