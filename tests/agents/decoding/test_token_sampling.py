from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.config.sampling import Sampling
from agents.decoding import token_sampling as picking
from agents.decoding.token_sampling import BLOCK, sample_tokens


def test_every_uniform_draws_its_token() -> None:
    """All uniforms (j + 1/2) / W of a distribution with whole weights that add up to W: token i must be drawn w_i times."""
    rng = np.random.Generator(np.random.PCG64(3))
    weight = rng.integers(0, 40, 3 * BLOCK + 17)
    weight[BLOCK : 2 * BLOCK] = 0  # a whole block that is impossible
    weight[[0, -1]] = 0
    total = int(weight.sum())
    uniforms = torch.from_numpy((np.arange(total) + 0.5) / total)
    logits = torch.from_numpy(weight).double().log().float() + 5.0
    token, logprob = sample_tokens(logits.expand(total, -1), uniforms, Sampling())
    assert token.tolist() == np.repeat(np.arange(len(weight)), weight).tolist()
    np.testing.assert_allclose(logprob.numpy(), np.log(weight[token.numpy()] / total), rtol=0, atol=1e-6)


def test_chunks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.randn(50, 300, generator=torch.Generator().manual_seed(0))
    uniforms = torch.from_numpy(np.random.Generator(np.random.PCG64(0)).random(50))
    whole = sample_tokens(logits, uniforms, Sampling(temperature=0.7))
    monkeypatch.setattr(picking, "CHUNK_ELEMENTS", 700)
    for one, other in zip(whole, sample_tokens(logits, uniforms, Sampling(temperature=0.7)), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("temperature", [1.0, 0.6, 2.5])
def test_logprobs_are_those_of_the_tempered_distribution(temperature: float) -> None:
    logits = 6 * torch.randn(400, 5_000, generator=torch.Generator().manual_seed(1))
    uniforms = torch.from_numpy(np.random.Generator(np.random.PCG64(1)).random(400))
    token, logprob = sample_tokens(logits, uniforms, Sampling(temperature=temperature))
    exact = torch.log_softmax(logits.double() / temperature, -1).gather(-1, token[:, None])[:, 0]
    torch.testing.assert_close(logprob.double(), exact, rtol=0, atol=4e-6)  # float32 carries 1e-6 at 16 nats
    cdf = torch.softmax(logits.double() / temperature, -1).cumsum(-1)
    low = (cdf - torch.softmax(logits.double() / temperature, -1)).gather(-1, token[:, None])[:, 0]
    high = cdf.gather(-1, token[:, None])[:, 0]
    assert ((low - 1e-6 <= uniforms) & (uniforms <= high + 1e-6)).all()


def test_bfloat16_logits_are_drawn_from_in_float32() -> None:
    logits = torch.randn(64, 1_000, generator=torch.Generator().manual_seed(2)).bfloat16()
    uniforms = torch.from_numpy(np.random.Generator(np.random.PCG64(2)).random(64))
    token, logprob = sample_tokens(logits, uniforms, Sampling(temperature=0.9))
    same_token, same_logprob = sample_tokens(logits.float(), uniforms, Sampling(temperature=0.9))
    assert torch.equal(token, same_token)
    assert torch.equal(logprob, same_logprob)
    assert logprob.dtype == torch.float32


def test_temperature_and_top_p_are_in_the_logprobs() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log().expand(1000, 3)
    uniforms = torch.linspace(0, 0.999, 1000, dtype=torch.float64)
    token, logprob = sample_tokens(logits, uniforms, Sampling(top_p=0.6))
    assert set(token.tolist()) == {0, 1}
    torch.testing.assert_close(logprob.exp().unique(), torch.tensor([0.375, 0.625]))
    token, logprob = sample_tokens(logits, uniforms, Sampling(temperature=0.5))
    torch.testing.assert_close(logprob.exp().unique(), torch.tensor([0.04, 0.09, 0.25]) / 0.38)


@pytest.mark.parametrize("width", [3, BLOCK + 3])
def test_a_uniform_at_either_end_draws_a_possible_token(width: int) -> None:
    logits = torch.full((2, width), float("-inf"))
    logits[:, width // 2] = 0.1
    token, logprob = sample_tokens(logits, torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64), Sampling())
    assert token.tolist() == [width // 2] * 2
    assert logprob.tolist() == [0.0, 0.0]


def test_rounding_at_the_upper_end_never_reaches_an_impossible_token() -> None:
    """u * total may round up to total, where a search would fall off the end."""
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(2_000, 2 * BLOCK, generator=generator)
    logits[:, BLOCK + 9 :] = float("-inf")
    token, logprob = sample_tokens(logits, torch.full((2_000,), 1 - 2**-53, dtype=torch.float64), Sampling())
    assert token.max() == BLOCK + 8
    assert logprob.isfinite().all()


def test_greedy_takes_the_likeliest_with_logprob_zero() -> None:
    token, logprob = sample_tokens(torch.tensor([[0.0, 3.0, 1.0]]), torch.tensor([0.99]).double(), Sampling(temperature=0))
    assert (token.tolist(), logprob.tolist()) == ([1], [0.0])


def test_tokens_are_drawn_from_the_distribution() -> None:
    probability = torch.tensor([0.5, 0.0, 0.2, 0.3])
    count = 20_000
    uniforms = torch.from_numpy(np.random.Generator(np.random.PCG64(0)).random(count))
    token, logprob = sample_tokens(probability.log().expand(count, 4), uniforms, Sampling())
    observed = torch.bincount(token, minlength=4) / count
    assert observed[1] == 0
    expected = probability[[0, 2, 3]] * count
    chi_square = ((torch.bincount(token, minlength=4)[[0, 2, 3]] - expected) ** 2 / expected).sum().item()
    assert chi_square < 13.8  # 99.9 % point of two degrees of freedom
    torch.testing.assert_close(logprob, probability.log()[token])
