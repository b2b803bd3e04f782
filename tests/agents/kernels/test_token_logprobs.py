from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from agents.kernels import token_logprobs as token_logprobs_module
from agents.kernels.token_logprobs import token_logprobs


def drawn(
    rows: int = 7, width: int = 5, vocabulary: int = 11, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(rows, width, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    weight = torch.randn(vocabulary, width, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    return hidden, weight, torch.randint(vocabulary, (rows,), generator=generator)


class Products(TorchDispatchMode):
    """Counts products of two matrices, by the precision that they come in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[torch.dtype] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket is torch.ops.aten.mm:
            self.found[out.dtype] += 1
        return out


def plain(hidden: Tensor, weight: Tensor, token: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    all_NV = torch.log_softmax(hidden @ weight.T / temperature, -1)
    return all_NV.gather(-1, token[:, None])[:, 0], -(all_NV.exp() * all_NV).sum(-1)


def test_by_hand() -> None:
    # logits ln 1, ln 2, ln 5: probabilities 1/8, 2/8, 5/8
    weight = torch.tensor([[0.0], [math.log(2.0)], [math.log(5.0)]])
    logprob, entropy = token_logprobs(torch.ones(3, 1), weight, torch.arange(3), 1.0)
    assert logprob.tolist() == pytest.approx([math.log(1 / 8), math.log(2 / 8), math.log(5 / 8)])
    assert entropy.tolist() == pytest.approx([0.9002561] * 3, abs=1e-6)  # (ln 8) / 8 + (ln 4) / 4 + 5/8 ln 8/5
    # temperature 1/2 squares them: 1, 4, 25 of 30
    assert token_logprobs(torch.ones(3, 1), weight, torch.arange(3), 0.5)[0].exp().tolist() == pytest.approx(
        [1 / 30, 4 / 30, 25 / 30]
    )


@pytest.mark.parametrize("temperature", [1.0, 0.7, 2.0])
@pytest.mark.parametrize("chunk_elements", [1, 11, 25, 10**6])
def test_values_and_gradients_are_those_of_log_softmax(temperature: float, chunk_elements: int) -> None:
    hidden, weight, token = drawn()
    generator = torch.Generator().manual_seed(1)
    to_logprob, to_entropy = (torch.randn(7, generator=generator, dtype=torch.float64) for _ in range(2))
    expected, found = (
        plain(hidden, weight, token, temperature),
        token_logprobs(hidden, weight, token, temperature, chunk_elements=chunk_elements),
    )
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)
    for share in ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        sides: list[tuple[Tensor, ...]] = []
        for logprob, entropy in (expected, found):
            loss = share[0] * (to_logprob * logprob).sum() + share[1] * (to_entropy * entropy).sum()
            sides.append(torch.autograd.grad(loss, (hidden, weight), retain_graph=True))
        for one, other in zip(*sides, strict=True):
            torch.testing.assert_close(one, other, atol=1e-12, rtol=0)
            assert one.abs().max() > 0.01


def test_the_output_matrix_gets_its_gradient_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_logprobs_module, "WORD_BLOCK", 4)
    hidden, weight, token = drawn()
    sides = [
        torch.autograd.grad(logprob.sum() + entropy.sum(), weight)[0]
        for logprob, entropy in (
            token_logprobs(hidden, weight, token, 0.7, chunk_elements=25),
            plain(hidden, weight, token, 0.7),
        )
    ]
    torch.testing.assert_close(*sides, atol=1e-12, rtol=0)


def test_gradients_by_finite_differences() -> None:
    hidden, weight, token = drawn(rows=3)
    assert torch.autograd.gradcheck(
        lambda h, w: token_logprobs(h, w, token, 0.8, chunk_elements=12), (hidden, weight), raise_exception=True
    )


def test_only_the_entropy_or_only_hidden_states_may_be_wanted() -> None:
    hidden, weight, token = drawn()
    [alone] = torch.autograd.grad(token_logprobs(hidden, weight, token, 1.0)[1].sum(), hidden)
    [other] = torch.autograd.grad(plain(hidden, weight, token, 1.0)[1].sum(), hidden)
    torch.testing.assert_close(alone, other, atol=1e-12, rtol=0)
    frozen = token_logprobs(hidden, weight.detach(), token, 1.0)[0].sum()
    [found] = torch.autograd.grad(frozen, hidden)
    [expected] = torch.autograd.grad(plain(hidden, weight, token, 1.0)[0].sum(), hidden)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


def test_logits_of_a_thousand_do_not_overflow() -> None:
    hidden = torch.tensor([[1000.0, 0.0]], requires_grad=True)
    logprob, entropy = token_logprobs(hidden, torch.eye(2), torch.tensor([1]), 1.0)
    assert logprob.item() == -1000.0
    assert entropy.item() == 0.0
    [gradient] = torch.autograd.grad(logprob.sum() + entropy.sum(), hidden)
    assert gradient.tolist() == [[-1.0, 1.0]]


def test_no_token_gives_nothing() -> None:
    hidden = torch.zeros(0, 5, requires_grad=True)
    logprob, entropy = token_logprobs(hidden, torch.ones(11, 5), torch.zeros(0, dtype=torch.long), 1.0)
    assert logprob.shape == entropy.shape == (0,)
    torch.autograd.backward(logprob.sum() + entropy.sum())
    assert hidden.grad is not None


def test_a_bfloat16_head_computes_its_softmax_in_float32() -> None:
    hidden, weight, token = drawn(dtype=torch.bfloat16)
    logprob, entropy = token_logprobs(hidden, weight, token, 1.0, chunk_elements=30)
    assert logprob.dtype == entropy.dtype == torch.float32
    # the logits as bfloat16 gives them, and everything after in float32
    all_NV = torch.log_softmax((hidden @ weight.T).float(), -1)
    torch.testing.assert_close(logprob, all_NV.gather(-1, token[:, None])[:, 0], atol=1e-6, rtol=0)
    own = torch.autograd.grad(logprob.sum(), (hidden, weight))
    wide_hidden, wide_weight = (p.detach().double().requires_grad_() for p in (hidden, weight))
    exact = torch.autograd.grad(plain(wide_hidden, wide_weight, token, 1.0)[0].sum(), (wide_hidden, wide_weight))
    for one, other in zip(own, exact, strict=True):
        assert one.dtype == torch.bfloat16
        torch.testing.assert_close(one.double(), other, atol=0.05, rtol=0.02)


def test_an_accelerator_reads_the_output_matrix_a_few_times_a_processor_often() -> None:
    """4,096 rows of 2^17 words: 2^27 logits are 1,024 rows, 2^23 are 64."""
    hidden, weight = torch.zeros(4_096, 2, device="meta"), torch.zeros(1 << 17, 2, device="meta")
    token = torch.zeros(4_096, dtype=torch.long, device="meta")
    with Products() as products:
        token_logprobs(hidden, weight, token, 1.0)
    assert products.found == {torch.float32: 4}
    hidden, weight, token = torch.zeros(96, 1), torch.zeros(1 << 18, 1), torch.zeros(96, dtype=torch.long)
    with Products() as products:
        token_logprobs(hidden, weight, token, 1.0)
    assert products.found == {torch.float32: 3}  # of 32 rows each


def test_logits_are_not_rounded_where_the_device_has_them_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, weight = (torch.zeros(5, 3, dtype=torch.bfloat16, device="meta") for _ in range(2))
    token = torch.zeros(5, dtype=torch.long, device="meta")
    with Products() as products:
        token_logprobs(hidden, weight, token, 1.0)
    assert products.found == {torch.bfloat16: 1}
    monkeypatch.setattr(token_logprobs_module, "adds_in_float32", lambda _: True)
    with Products() as products:
        token_logprobs(hidden, weight, token, 1.0)
    assert products.found == {torch.float32: 1}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_device_gives_the_numbers_of_double_precision_from_bfloat16() -> None:
    hidden, weight, token = (one.detach().cuda() for one in drawn(300, 64, 500, torch.bfloat16))
    hidden.requires_grad_()
    logprob, entropy = token_logprobs(hidden, weight, token, 0.7, chunk_elements=50_000)
    wide = hidden.detach().double().requires_grad_()
    for found, exact in zip((logprob, entropy), plain(wide, weight.double(), token, 0.7), strict=True):
        torch.testing.assert_close(found.double(), exact, atol=1e-4, rtol=1e-5)
        [own] = torch.autograd.grad(found.sum(), hidden, retain_graph=True)
        [expected] = torch.autograd.grad(exact.sum(), wide, retain_graph=True)
        torch.testing.assert_close(own.double(), expected, atol=0.05, rtol=0.02)
