from __future__ import annotations

import math

import pytest
import torch

from agents.algorithms.losses import (
    clipped_sequence,
    clipped_surrogate,
    clipped_weight,
    policy_gradient,
    preference,
    value_error,
)

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


def test_dual_clip_by_hand() -> None:
    """Ratios 4 and 2 with A = -1 and c = 3: min(r A, clip(r) A) = -4 and -2, of which -4 is held at c A = -3."""
    logprobs, old = torch.tensor([[math.log(4.0), math.log(2.0), 9.0]], requires_grad=True), torch.zeros(1, 3)
    worse = torch.tensor([[-1.0, -1.0, 9.0]])
    loss = clipped_surrogate(logprobs, old, worse, MASK, 1.0, dual_clip=3.0)
    assert loss.item() == pytest.approx(3 + 2)
    torch.autograd.backward(loss)
    assert logprobs.grad is not None
    assert logprobs.grad.tolist() == [[0.0, pytest.approx(2.0), 0.0]]
    assert clipped_surrogate(logprobs, old, worse, MASK, 1.0).item() == pytest.approx(4 + 2)
    # where A > 0 the plain clip is the lower one already
    better = clipped_surrogate(logprobs, old, -worse, MASK, 1.0, dual_clip=3.0)
    assert better.item() == pytest.approx(-(1.2 + 1.2))


def test_no_gradient_where_clipped_and_none_off_the_mask() -> None:
    logprobs = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True)
    torch.autograd.backward(clipped_surrogate(logprobs, torch.zeros(1, 3), torch.ones(1, 3), MASK, 1.0))
    assert logprobs.grad is not None
    assert logprobs.grad.tolist() == [[0.0, -1.0, 0.0]]


def test_every_denominator_may_be_one_per_message() -> None:
    """Sums over messages divided one by one are the loss with a denominator per message."""
    generator = torch.Generator().manual_seed(0)
    logprobs, old, advantage = (torch.randn(3, 4, generator=generator) for _ in range(3))
    mask = torch.rand(3, 4, generator=generator) > 0.3
    denominator = torch.tensor([[2.0], [5.0], [float("inf")]])
    for loss in (policy_gradient, clipped_surrogate, clipped_sequence, clipped_weight):
        parts = [
            loss(logprobs[i : i + 1], old[i : i + 1], advantage[i : i + 1], mask[i : i + 1], float(denominator[i]))
            for i in range(2)
        ]
        whole = loss(logprobs, old, advantage, mask, denominator)
        torch.testing.assert_close(whole, sum(parts[1:], parts[0]))


def gradient_of(loss: torch.Tensor, of: torch.Tensor) -> list[float]:
    [found] = torch.autograd.grad(loss, of, retain_graph=True)
    return found.flatten().tolist()


def test_a_sequence_ratio_by_hand() -> None:
    # ratios 1.0006 and 1: s = sqrt(1.0006) = 1.00029996, inside (0.9997, 1.0004); loss of 2 tokens over 2 messages x 2 tokens
    logprobs = torch.tensor([[math.log(1.0006), 0.0, 9.0]], dtype=torch.float64, requires_grad=True)
    old = torch.zeros(1, 3, dtype=torch.float64)
    loss = clipped_sequence(logprobs, old, torch.full((1, 3), 3.0, dtype=torch.float64), MASK, 4.0)
    assert loss.item() == pytest.approx(-2 * 3 * 1.0006**0.5 / 4, abs=1e-9)
    # every token of the message has the same gradient, s A / 4
    assert gradient_of(loss, logprobs) == pytest.approx([-3 * 1.0006**0.5 / 4] * 2 + [0.0], abs=1e-9)
    # sqrt(1.001) = 1.0005 is cut at 1.0004 where A > 0, and has no gradient; not where A < 0
    far = torch.tensor([[math.log(1.001), 0.0, 9.0]], dtype=torch.float64, requires_grad=True)
    up = clipped_sequence(far, old, torch.ones(1, 3, dtype=torch.float64), MASK, 2.0)
    assert up.item() == pytest.approx(-1.0004, abs=1e-9)
    assert gradient_of(up, far) == [0.0, 0.0, 0.0]
    down = clipped_sequence(far, old, -torch.ones(1, 3, dtype=torch.float64), MASK, 2.0)
    assert down.item() == pytest.approx(1.001**0.5, abs=1e-9)


def test_a_clipped_weight_keeps_its_gradient() -> None:
    logprobs = torch.tensor([[math.log(8.0) - 3.0, math.log(0.5) - 1.0, 9.0]], requires_grad=True)
    old = torch.tensor([[-3.0, -1.0, 0.0]])
    loss = clipped_weight(logprobs, old, torch.tensor([[2.0, -1.0, 5.0]]), MASK, 2.0, weight_cap=4.0)
    # -(4 2 (ln 8 - 3) - 0.5 (-ln 2 - 1)) / 2, and the weights times advantages are the gradient
    assert loss.item() == pytest.approx(-(8 * (math.log(8) - 3) + 0.5 * (math.log(2) + 1)) / 2)
    assert gradient_of(loss, logprobs) == pytest.approx([-4.0, 0.25, 0.0])


def test_preference_by_hand_and_by_finite_differences() -> None:
    mask = torch.tensor([[True, True], [False, True]])
    logprobs = torch.tensor([[-1.0, -0.5], [-7.0, -2.0]], dtype=torch.float64, requires_grad=True)
    reference = torch.tensor([[-2.0, -1.0], [-7.0, -1.0]], dtype=torch.float64)

    def loss(at: torch.Tensor) -> torch.Tensor:
        return preference(at, at, torch.zeros_like(at), mask, 2.0, reference_BT=reference, beta=0.2)

    # winner 1 + 0.5, loser -1: margin 2.5; log(1 + exp(-0.5)) = 0.4740770
    assert loss(logprobs).item() == pytest.approx(0.4740770, abs=1e-7)
    # sigmoid(-0.5) = 0.3775407, times beta: the winner's tokens go up, the loser's down
    expected = [-0.0755081, -0.0755081, 0.0, 0.0755081]
    assert gradient_of(loss(logprobs), logprobs) == pytest.approx(expected, abs=1e-7)
    for index, slope in enumerate(expected):
        up, down = (logprobs.detach().clone() for _ in range(2))
        up.view(-1)[index] += 1e-6
        down.view(-1)[index] -= 1e-6
        assert float(loss(up) - loss(down)) / 2e-6 == pytest.approx(slope, abs=1e-7)


def test_preference_means_over_pairs() -> None:
    mask = torch.ones(4, 1, dtype=torch.bool)
    logprobs, reference = torch.tensor([[1.0], [0.0], [0.0], [3.0]]), torch.zeros(4, 1)
    found = preference(logprobs, logprobs, logprobs, mask, torch.full((4, 1), 4.0), reference_BT=reference, beta=1.0)
    # log(1 + e^-1) = 0.3132617 and log(1 + e^3) = 3.0485874
    assert found.item() == pytest.approx((0.3132617 + 3.0485874) / 2)


def test_value_error_by_hand() -> None:
    # 0.5 -> 1 of target 2, near 0.7: (1.3^2); 0 -> 0.1 of target 1: 0.9^2; over 4, halved
    values, old = torch.tensor([[1.0, 0.1, 7.0]], requires_grad=True), torch.tensor([[0.5, 0.0, 0.0]])
    loss = value_error(values, old, torch.tensor([[2.0, 1.0, 0.0]]), MASK, 4.0)
    assert loss.item() == pytest.approx((1.3**2 + 0.9**2) / 8)
    # the clipped one has no gradient, the other (V - G) / 4
    assert gradient_of(loss, values) == pytest.approx([0.0, -0.225, 0.0])
    wide = value_error(values, old, torch.tensor([[2.0, 1.0, 0.0]]), MASK, 4.0, clip=9.0)
    assert wide.item() == pytest.approx((1.0 + 0.9**2) / 8)


def test_losses_are_linear_in_positive_factors_of_the_advantage() -> None:
    generator = torch.Generator().manual_seed(0)
    logprobs, old, advantage = (torch.randn(3, 4, generator=generator, dtype=torch.float64) for _ in range(3))
    mask = torch.rand(3, 4, generator=generator) > 0.3
    for loss in (policy_gradient, clipped_surrogate, clipped_sequence, clipped_weight):
        once, thrice = (loss(logprobs, old, factor * advantage, mask, 7.0).item() for factor in (1.0, 3.0))
        assert thrice == pytest.approx(3 * once)
        assert once != 0
