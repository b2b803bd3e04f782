from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from agents.algorithms.kl import KL_ESTIMATORS, k1, k2, k3, kl_loss, kl_rewards, mean_kl, minus_kl
from agents.algorithms.losses import policy_gradient
from agents.algorithms.returns import reward_to_go

MASK = torch.tensor([[False, True], [True, True]])
OWN = torch.tensor([[0.0, -1.0], [-2.0, -1.0]])
REFERENCE = torch.tensor([[0.0, -1.0 - math.log(2.0)], [-2.0 + math.log(4.0), -1.0 - math.log(2.0)]])


def gradient_of(loss: torch.Tensor, of: torch.Tensor) -> list[float]:
    [found] = torch.autograd.grad(loss, of, retain_graph=True)
    return found.flatten().tolist()


def test_estimators_by_hand() -> None:
    own, other = torch.tensor([-1.0]), torch.tensor([-1.0 - math.log(2.0)])
    assert k1(own, other).item() == pytest.approx(math.log(2))
    assert k2(own, other).item() == pytest.approx(math.log(2) ** 2 / 2)
    assert k3(own, other).item() == pytest.approx(math.log(2) - 0.5)


def test_expected_gradients_of_the_estimators() -> None:
    """Over three symbols, drawn from pi: E[grad k1] = 0, E[grad k2] = grad KL(pi || ref), E[grad k3] = grad KL(ref || pi)."""
    logits = torch.tensor([0.3, -0.8, 1.1], dtype=torch.float64, requires_grad=True)
    ref = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    own, other = logits.log_softmax(-1), ref.log()
    p = own.detach().exp()
    reverse = gradient_of((own.exp() * (own - other)).sum(), logits)
    forward = gradient_of((ref * (other - own)).sum(), logits)
    expected = {"k1": [0.0, 0.0, 0.0], "k2": reverse, "k3": forward}
    for name, gradient in expected.items():
        found = gradient_of((p * KL_ESTIMATORS[name](own, other)).sum(), logits)
        assert found == pytest.approx(gradient, abs=1e-12), name
    # grad KL(ref || pi) = pi - ref
    assert forward == pytest.approx((p - ref).tolist(), abs=1e-12)
    assert max(abs(a - b) for a, b in zip(reverse, forward, strict=True)) > 0.05


def test_expectations_of_the_estimators() -> None:
    own, other = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.5, 0.3])
    kl = float((own * (own / other).log()).sum())
    for name in ("k1", "k3"):
        assert float((own * KL_ESTIMATORS[name](own.log(), other.log())).sum()) == pytest.approx(kl)
    assert float((own * k2(own.log(), other.log())).sum()) != pytest.approx(kl, rel=0.02)


def test_kl_comes_off_the_return_of_the_whole_message() -> None:
    def found(estimator: str) -> list[float]:
        return minus_kl(torch.tensor([1.0, -1.0]), OWN, REFERENCE, MASK, coef=0.5, estimator=estimator).tolist()

    # log(own / ref) per token: ln 2 | -2 ln 2, ln 2
    assert found("k1") == pytest.approx([1 - 0.5 * math.log(2), -1 + 0.5 * math.log(2)])
    # ln2^2 / 2 | (4 + 1) ln2^2 / 2
    assert found("k2") == pytest.approx([1 - 0.25 * math.log(2) ** 2, -1 - 1.25 * math.log(2) ** 2])
    # 1/2 - 1 + ln 2 | 4 - 1 - 2 ln 2 + 1/2 - 1 + ln 2
    assert found("k3") == pytest.approx([1 - 0.5 * (math.log(2) - 0.5), -1 - 0.5 * (2.5 - math.log(2))])


def test_kl_as_rewards_of_tokens() -> None:
    def found(estimator: str) -> list[float]:
        return kl_rewards(OWN, REFERENCE, MASK, coef=0.5, estimator=estimator).flatten().tolist()

    # log(own / ref) per token: none, ln 2 | -2 ln 2, ln 2
    assert found("k1") == pytest.approx([0.0, -0.5 * math.log(2), math.log(2), -0.5 * math.log(2)])
    assert found("k2") == pytest.approx([0.0, -0.25 * math.log(2) ** 2, -(math.log(2) ** 2), -0.25 * math.log(2) ** 2])
    assert found("k3") == pytest.approx(
        [0.0, -0.5 * (math.log(2) - 0.5), -0.5 * (3 - 2 * math.log(2)), -0.5 * (math.log(2) - 0.5)]
    )


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_a_first_token_still_earns_what_is_left_of_its_message(estimator: str) -> None:
    returns = torch.tensor([1.0, -1.0])
    tokens = kl_rewards(OWN, REFERENCE, MASK, coef=0.3, estimator=estimator)
    first = reward_to_go(returns, tokens, MASK)[[0, 1], [1, 0]]
    torch.testing.assert_close(first.float(), minus_kl(returns, OWN, REFERENCE, MASK, coef=0.3, estimator=estimator))


def test_mean_kl_by_hand() -> None:
    # k3: (ln 2 - 1/2 + 3 - 2 ln 2 + ln 2 - 1/2) / 3
    assert mean_kl(OWN, REFERENCE, MASK) == pytest.approx(2 / 3)


def whole_kl(logits: Tensor, reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """All nine messages of two symbols out of three, each log-probability (9, 2), and the exact KL(pi || ref) of messages.

    Row 0 of the logits is the first symbol's, row 1 + y the second's after y.
    """
    first, second = torch.meshgrid(torch.arange(3), torch.arange(3), indexing="ij")
    first, second = first.flatten(), second.flatten()

    def of(table: Tensor) -> Tensor:
        logprobs = table.log_softmax(-1)
        return torch.stack([logprobs[0, first], logprobs[1 + first, second]], -1)

    own, other = of(logits), of(reference)
    return own, other, (own.sum(-1).exp() * (own.sum(-1) - other.sum(-1))).sum()


@pytest.mark.parametrize("token_by_token", [False, True])
def test_k1_in_the_reward_has_the_expected_gradient_of_the_reverse_kl_of_messages(token_by_token: bool) -> None:
    """E[grad of the policy loss on returns -k1] = grad KL(pi || ref), by enumeration of all nine messages."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 3, generator=generator, dtype=torch.float64).requires_grad_()
    reference = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    own, other, kl = whole_kl(logits, reference)
    [expected] = torch.autograd.grad(kl, logits, retain_graph=True)
    mask = torch.ones(9, 2, dtype=torch.bool)
    nothing = torch.zeros(9, dtype=torch.float64)
    if token_by_token:
        gains = reward_to_go(nothing, kl_rewards(own.detach(), other, mask, coef=1.0, estimator="k1"), mask)
    else:
        gains = minus_kl(nothing, own.detach(), other, mask, coef=1.0, estimator="k1")[:, None].expand(9, 2)
    advantage = own.detach().sum(-1, keepdim=True).exp() * gains
    [found] = torch.autograd.grad(policy_gradient(own, own.detach(), advantage, mask, 1.0), logits)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    assert expected.abs().max() > 0.1


def test_kl_in_the_loss_by_hand() -> None:
    # k2: (1 + 4 + 1) ln2^2 / 2, over 4 and, for the second message, over 2
    denominator = torch.tensor([[4.0], [2.0]])
    expected = (1 / 4 + 5 / 2) * math.log(2) ** 2 / 2
    assert kl_loss(OWN, REFERENCE, MASK, denominator, estimator="k2").item() == pytest.approx(expected)


def test_k3_is_zero_on_policy_and_positive_elsewhere() -> None:
    assert k3(torch.tensor([-1.0]), torch.tensor([-1.0])).item() == 0.0
    assert k3(torch.tensor([-1.0]), torch.tensor([-1.5])).item() == pytest.approx(math.exp(-0.5) - 1 + 0.5)
