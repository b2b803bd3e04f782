from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from agents.config.sampling import Sampling
from agents.decoding.loop import DecodingBatch, decode, reading_groups

PROMPTS = ((5, 6), (7, 8, 9, 10, 11), (12, 13, 14, 15, 16, 17, 18, 19, 20), tuple(range(4, 40)))
OWNERS = (0, 0, 1, 2, 2, 2, 3)
UNIFORMS = torch.rand(7, 6, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def say(
    model: PreTrainedModel, *, prefill: int = 10_000, ends: tuple[int, ...] = (), limits: tuple[int, ...] = (6,) * 7
) -> Any:
    counts: Counter[str] = Counter()
    wanted = DecodingBatch(prompts=PROMPTS, owners=OWNERS, limits=limits, uniforms_RS=UNIFORMS)
    said = decode(model, wanted, Sampling(), ends=ends, context=128, prefill_tokens=prefill, counts=counts)
    return said, counts


def same(one: Any, other: Any) -> None:
    assert [tokens for tokens, _ in one] == [tokens for tokens, _ in other]
    for (_, mine), (_, theirs) in zip(one, other, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5)


def test_prompts_are_read_together_within_the_budget_and_without_much_padding() -> None:
    assert reading_groups([3, 3, 3, 3], 9, 100) == [(0, 3), (3, 4)]
    assert reading_groups([2, 5, 20], 1_000, 1_000) == [(0, 3)]
    assert reading_groups([2, 3, 20], 1_000, 4) == [(0, 2), (2, 3)]
    assert reading_groups([50], 10, 4) == [(0, 1)]


def test_a_reply_is_what_the_model_says_of_prompt_and_reply_in_one_pass(model: PreTrainedModel) -> None:
    said, _ = say(model)
    for owner, uniforms, (tokens, logprobs) in zip(OWNERS, UNIFORMS, said, strict=True):
        ids = torch.tensor([[*PROMPTS[owner], *tokens]])
        with torch.no_grad():
            logits = model(input_ids=ids).logits[0, -len(tokens) - 1 : -1].double()
        p = torch.softmax(logits, -1)
        assert tokens == tuple(torch.searchsorted(p.cumsum(-1), uniforms[:, None], right=True)[:, 0].tolist())
        assert logprobs == pytest.approx(p.log()[range(6), tokens].tolist(), abs=1e-5)


@pytest.mark.parametrize("prefill", [1, 7, 20, 64])
def test_reading_in_pieces_changes_nothing_and_keeps_to_the_budget(model: PreTrainedModel, prefill: int) -> None:
    whole, _ = say(model)
    sizes: list[int] = []

    def note(module: Any, args: Any, kwargs: Any) -> None:
        sizes.append(kwargs["input_ids"].numel())

    with model.register_forward_pre_hook(note, with_kwargs=True):
        pieces, counts = say(model, prefill=prefill)
    same(pieces, whole)
    reading = sizes[: len(sizes) - 5]  # then five steps of one token a row
    assert max(reading) <= prefill
    assert sum(reading) == counts["prompt_slots"] >= sum(map(len, PROMPTS))


def test_an_end_token_ends_its_reply_and_limits_are_kept(model: PreTrainedModel) -> None:
    whole, counts = say(model)
    assert counts["reply_tokens"] == counts["reply_slots"] == 42
    end = whole[0][0][2]
    limits = (6, 1, 2, 6, 3, 6, 4)
    short, counts = say(model, ends=(end,), limits=limits)
    for (tokens, logprobs), (full, _), limit in zip(short, whole, limits, strict=True):
        stop = full.index(end) + 1 if end in full else 6
        assert tokens == full[: min(stop, limit)]
        assert len(logprobs) == len(tokens)
    assert counts["reply_tokens"] == sum(len(tokens) for tokens, _ in short)
    assert counts["reply_tokens"] == counts["reply_slots"] < 42  # who is done leaves at once


@pytest.fixture
def poisoned_memory() -> Iterator[None]:
    """Memory that was never written holds NaN."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert torch.empty(2).isnan().all()
    yield
    torch.use_deterministic_algorithms(before)


@pytest.mark.usefixtures("poisoned_memory")
def test_no_memory_is_read_that_was_not_written(model: PreTrainedModel) -> None:
    said, _ = say(model, prefill=20)
    assert all(logprob <= 0 for _, logprobs in said for logprob in logprobs)


def test_bfloat16_models_decode(model: PreTrainedModel) -> None:
    said, _ = say(model.to(torch.bfloat16))
    assert all(len(tokens) == 6 and max(logprobs) <= 0 for tokens, logprobs in said)


def test_weights_that_are_no_numbers_are_one_sentence(model: PreTrainedModel) -> None:
    with torch.no_grad():
        model.get_output_embeddings().weight[3] = float("nan")
    with pytest.raises(ValueError, match="its weights hold NaN or infinity; go back to an earlier checkpoint"):
        say(model)
