from __future__ import annotations

import math

import pytest
import torch

from agents.losses import clipped_surrogate, k3, policy_gradient

MASK = torch.tensor([[True, True, False]])


def test_policy_gradient_by_hand() -> None:
    logprobs, advantage = torch.tensor([[-1.0, -2.0, float("nan")]]), torch.tensor([[2.0, -0.5, 0.0]])
    # -(2 * -1 + -0.5 * -2) / 4
    assert policy_gradient(logprobs, logprobs, advantage, MASK, 4.0).item() == 0.25


def test_clipped_surrogate_by_hand() -> None:
    old = torch.zeros(1, 3)
    logprobs = torch.tensor([[math.log(1.5), math.log(0.5), 5.0]])
    up = clipped_surrogate(logprobs, old, torch.tensor([[1.0, 1.0, 9.0]]), MASK, 1.0)
    assert up.item() == pytest.approx(-(1.2 + 0.5))
    down = clipped_surrogate(logprobs, old, torch.tensor([[-1.0, -1.0, 9.0]]), MASK, 1.0)
    assert down.item() == pytest.approx(1.5 + 0.8)
    wide = clipped_surrogate(logprobs, old, torch.tensor([[1.0, 1.0, 9.0]]), MASK, 1.0, clip_high=0.4)
    assert wide.item() == pytest.approx(-(1.4 + 0.5))


def test_on_policy_the_clipped_gradient_is_the_reinforce_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    logprobs = -torch.rand(4, 6, generator=generator, dtype=torch.float64)
    advantage = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    mask = torch.rand(4, 6, generator=generator) > 0.3
    gradients = []
    for loss in (policy_gradient, clipped_surrogate):
        own = logprobs.clone().requires_grad_()
        torch.autograd.backward(loss(own, logprobs, advantage, mask, 7.0))
        gradients.append(own.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-12)


def test_no_gradient_where_clipped_and_none_off_the_mask() -> None:
    logprobs = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True)
    torch.autograd.backward(clipped_surrogate(logprobs, torch.zeros(1, 3), torch.ones(1, 3), MASK, 1.0))
    assert logprobs.grad is not None
    assert logprobs.grad.tolist() == [[0.0, -1.0, 0.0]]


def test_k3_is_zero_on_policy_and_positive_elsewhere() -> None:
    assert k3(torch.tensor([-1.0]), torch.tensor([-1.0])).item() == 0.0
    assert k3(torch.tensor([-1.0]), torch.tensor([-1.5])).item() == pytest.approx(math.exp(-0.5) - 1 + 0.5)
