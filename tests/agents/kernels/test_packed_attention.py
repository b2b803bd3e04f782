from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from agents.kernels import cpu_attention
from agents.kernels.packed_attention import (
    ALIGNED,
    PACKED,
    PER_CALL,
    Segments,
    Span,
    attention,
    over_segments,
    similar,
    use_packed_attention,
)

CPU = torch.device("cpu")
plain: Any = sdpa_attention_forward
attend = over_segments(attention)
HEADS, KEY_HEADS, WIDTH = 4, 2, 8
drawn_spans = st.lists(st.tuples(st.integers(1, 9), st.lists(st.integers(1, 9), max_size=5)), min_size=1, max_size=6)


def laid(drawn: list[tuple[int, list[int]]]) -> list[Span]:
    """Prompts with the lengths of their replies, as `pack` lays them: prompts first."""
    spans, replies, end = [], [], 0
    for length, own in drawn:
        prompt = Span(end, length)
        spans.append(prompt)
        end += length
        replies += [(reply, prompt) for reply in own]
    for length, prompt in replies:
        spans.append(Span(end, length, prompt.start, prompt.length))
        end += length
    return spans


def row(spans: list[Span], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (1, H, T, D), as a model's projections lie in memory."""
    rng = torch.Generator().manual_seed(seed)
    tokens = sum(span.length for span in spans)
    return tuple(  # pyright: ignore[reportReturnType]
        torch.randn(1, tokens, heads, WIDTH, generator=rng, dtype=torch.float64).transpose(1, 2).requires_grad_()
        for heads in (HEADS, KEY_HEADS, KEY_HEADS)
    )


class Module(torch.nn.Module):
    num_key_value_groups = HEADS // KEY_HEADS
    is_causal = True


def one_by_one(spans: list[Span], query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """(1, T, H, D): every sequence attends by itself, in a tensor of prompt and sequence."""
    found = []
    for span in spans:
        at = [*range(span.prompt_start, span.prompt_start + span.prompt_length), *range(span.start, span.start + span.length)]
        own_key, own_value = (one[:, :, at].repeat_interleave(HEADS // KEY_HEADS, 1) for one in (key, value))
        out = scaled_dot_product_attention(query[:, :, at], own_key, own_value, is_causal=True)
        found.append(out[:, :, span.prompt_length :])
    return torch.cat(found, 2).transpose(1, 2)


@given(drawn_spans)
def test_what_a_sequence_of_its_own_would_compute_forwards_and_backwards(drawn: list[tuple[int, list[int]]]) -> None:
    spans = laid(drawn)
    own = row(spans)
    expected = one_by_one(spans, *own)
    found, _ = attend(Module(), *own, None, segments=Segments.of(spans, CPU, torch.float64))
    weight = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    for one, other in zip(
        torch.autograd.grad((found * weight).sum(), own), torch.autograd.grad((expected * weight).sum(), own), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_queries_in_groups_copy_no_keys() -> None:
    """What a masked call keeps for its backward pass holds keys of 2 heads, not of 4."""
    own = row([Span(0, 7)])
    mask = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        attention(Module(), *own, mask)
    assert sum(kept.values()) <= 8 * 7 * WIDTH * (2 * HEADS + 2 * KEY_HEADS) + mask.nbytes + 8 * 7 * HEADS


def test_masked_attention_has_the_model_s_dropout() -> None:
    mask = torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    assert not attention(Module(), *row([Span(0, 7)]), mask, dropout=1.0)[0].any()


def test_a_model_that_was_packed_answers_and_is_saved_as_before(model: PreTrainedModel) -> None:
    """Prompts of unequal lengths, decoded with a cache; and no config names a kernel that exists here only."""
    ids, real = torch.randint(3, 40, (2, 6), generator=torch.Generator().manual_seed(0)), torch.ones(2, 6, dtype=torch.long)
    real[0, :3] = 0
    given: Any = {"attention_mask": real, "max_new_tokens": 4, "do_sample": False, "pad_token_id": 0}
    settings: Any = {"output_logits": True, "return_dict_in_generate": True}
    answers: list[Any] = []
    for _ in range(2):
        answers.append(cast(Any, model).generate(ids, **given, **settings))
        use_packed_attention(model)
    assert model.config._attn_implementation == PACKED
    for one, other in zip(answers[0].logits, answers[1].logits, strict=True):
        assert torch.equal(one, other)
    assert PACKED not in model.config.to_json_string()


def test_without_segments_it_is_transformers_own() -> None:
    own = row([Span(0, 7)])
    mask = torch.zeros(1, 1, 7, 7, dtype=torch.float64).masked_fill_(torch.ones(7, 7).triu(1).bool(), float("-inf"))
    for given_mask in (None, mask):
        found, expected = (one(Module(), *own, given_mask, scaling=0.3)[0] for one in (attend, plain))
        assert torch.equal(found, expected)


def test_a_batch_by_hand() -> None:
    # prompt A of 2, message B of 3, replies of 1 and 2 to A
    spans = [Span(0, 2), Span(2, 3), Span(5, 1, 0, 2), Span(6, 2, 0, 2)]
    first, second = Segments.of(spans, CPU, torch.float32).batches
    assert first.query_SL.tolist() == [[0, 1, 0], [2, 3, 4]]
    assert first.mask_S1LK is None
    assert second.query_SL.tolist() == [[5, 0], [6, 7]]
    assert second.key_SK.tolist() == [[0, 1, 5, 0], [0, 1, 6, 7]]
    assert second.mask_S1LK is not None
    assert second.mask_S1LK.isfinite().int().tolist() == [[[[1, 1, 1, 0], [1, 1, 1, 1]]]] * 2
    assert Segments.of(spans, CPU, torch.float32).place_T.tolist() == [0, 1, 3, 4, 5, 6, 8, 9]


def test_in_bfloat16_short_batches_are_computed_in_float32_and_rounded_once() -> None:
    """Batches of replies of 1 token, and of prompts and replies of several: the masks are float32 in either."""
    spans = laid([(3, [2, 4, 4]), (5, []), (200, [1, 1])])
    wide = row(spans)
    rounded = tuple(one.detach().bfloat16() for one in wide)
    segments = Segments.of(spans, CPU, torch.float32)
    found, _ = over_segments(cpu_attention.attention)(Module(), *rounded, None, segments=segments)
    exact = one_by_one(spans, *(one.double() for one in rounded)).bfloat16()
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, exact, rtol=2**-7, atol=2**-8)


def test_rows_of_a_mask_begin_where_a_kernel_of_a_gpu_wants_them() -> None:
    batch = Segments.of([Span(0, 3), Span(3, 2, 0, 3), Span(5, 2, 0, 3)], CPU, torch.bfloat16).batches[1]
    assert batch.mask_S1LK is not None
    assert batch.mask_S1LK.dtype == torch.bfloat16
    assert batch.mask_S1LK.shape == (2, 1, 2, 5)
    assert batch.mask_S1LK.stride(2) == ALIGNED


@given(st.lists(st.tuples(st.integers(1, 2_000), st.lists(st.integers(1, 2_000), max_size=6)), min_size=1, max_size=8))
def test_padding_costs_less_than_half_of_what_is_useful_or_than_another_call(drawn: list[tuple[int, list[int]]]) -> None:
    spans = laid(drawn)
    batches = similar(spans)
    assert sorted(span.start for batch in batches for span in batch) == sorted(span.start for span in spans)
    for batch in batches:
        useful = sum(span.length * span.keys for span in batch)
        longest, prompt = max(span.length for span in batch), max(span.prompt_length for span in batch)
        assert len({span.prompt_length > 0 for span in batch}) == 1
        assert longest * (prompt + longest) * len(batch) <= useful + max(PER_CALL, useful // 2)


def test_nothing_has_the_square_of_the_row(model: PreTrainedModel) -> None:
    """64 replies of 8 tokens to a prompt of 8: 520 positions, and no tensor of 520 x 520 numbers."""
    from agents.batching.batch import collate
    from agents.models.forward import score
    from tests.agents.batching.test_batch import sample

    batch = collate([sample(tuple(range(5, 13)), tuple(range(6 + number % 9, 14 + number % 9))) for number in range(64)])
    sizes: list[int] = []

    def note(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        scored = score(model, batch, 1.0, share=True)
    assert scored.slots == scored.used == 8 + 64 * 8
    assert max(sizes) < 520 * 520 // 4


@pytest.mark.parametrize("kernel", ["sdpa", "eager", PACKED])
def test_only_transformers_own_kernel_is_replaced(model: PreTrainedModel, kernel: str) -> None:
    model.set_attn_implementation(kernel)
    use_packed_attention(model)
    assert model.config._attn_implementation == (PACKED if kernel == "sdpa" else kernel)
