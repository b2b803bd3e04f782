from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from agents.kernels import cpu_matmul
from agents.kernels.cpu_matmul import BlockLinear, CpuLinear, times_transposed, use_one_dnn


@pytest.mark.parametrize("kind", [CpuLinear, BlockLinear])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(5, 7, 16), (35, 16)])
def test_a_cpu_linear_is_a_linear_layer_forwards_and_backwards(
    monkeypatch: pytest.MonkeyPatch, bias: bool, shape: tuple[int, ...], kind: type[nn.Linear]
) -> None:
    monkeypatch.setattr(cpu_matmul, "SMALL", 0)
    torch.manual_seed(0)
    plain = nn.Linear(16, 24, bias=bias)
    fast = nn.Linear(16, 24, bias=bias)
    fast.load_state_dict(plain.state_dict())
    fast.__class__ = kind
    x, grad = torch.randn(shape), torch.randn(*shape[:-1], 24)
    results = []
    for layer in (plain, fast):
        own = x.clone().requires_grad_()
        out = layer(own)
        torch.autograd.backward(out, grad)
        results.append([out.detach(), own.grad, *(p.grad for p in layer.parameters())])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("rows", "padded"), [(1, 1), (2, 2), (3, 4), (9, 16), (31, 32), (32, 32), (33, 64), (96, 96)])
def test_shapes_that_one_dnn_sees_are_few(monkeypatch: pytest.MonkeyPatch, rows: int, padded: int) -> None:
    monkeypatch.setattr(cpu_matmul, "SMALL", 0)
    seen: list[int] = []
    real = cpu_matmul._one_dnn
    monkeypatch.setattr(cpu_matmul, "_one_dnn", lambda a, b: (seen.append(a.shape[0]), seen.append(a.shape[1]), real(a, b))[2])
    layer = nn.Linear(cpu_matmul.ROWS, 2 * cpu_matmul.ROWS, bias=False)
    layer.__class__ = BlockLinear
    x = torch.randn(rows, cpu_matmul.ROWS, requires_grad=True)
    out = layer(x)
    out.sum().backward()
    assert out.shape == (rows, 2 * cpu_matmul.ROWS)
    assert len(seen) == 6  # output, gradients of input and weight
    assert set(seen) <= {padded, cpu_matmul.ROWS, 2 * cpu_matmul.ROWS}
    assert seen.count(padded) >= 3
    torch.testing.assert_close(layer.weight.grad, x.detach().sum(0).expand_as(layer.weight), atol=1e-4, rtol=1e-4)


def test_it_runs_one_dnn_only_where_that_gains(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = cpu_matmul._one_dnn
    monkeypatch.setattr(cpu_matmul, "_one_dnn", lambda a, b: (asked.append(1), real(a, b))[1])
    small, large = torch.randn(4, 8), torch.randn(256, 128)
    times_transposed(small, torch.randn(3, 8))
    times_transposed(large.double(), torch.randn(512, 128, dtype=torch.float64))
    times_transposed(large.bfloat16(), torch.randn(512, 128, dtype=torch.bfloat16))
    assert not asked
    right = torch.randn(512, 128)
    torch.testing.assert_close(times_transposed(large, right), large @ right.T, atol=1e-4, rtol=1e-5)
    assert asked


def test_frozen_weights_get_no_gradient_and_low_precision_keeps_working(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_matmul, "SMALL", 0)
    layer = nn.Linear(8, 4, bias=False).requires_grad_(False)
    layer.__class__ = CpuLinear
    x = torch.randn(3, 8, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(3, 8), atol=1e-5, rtol=1e-5)
    assert layer.bfloat16()(x.detach().bfloat16()).dtype is torch.bfloat16


@pytest.mark.parametrize("blocks", [False, True])
def test_a_models_layers_keep_names_and_values(monkeypatch: pytest.MonkeyPatch, model: PreTrainedModel, blocks: bool) -> None:
    monkeypatch.setattr(cpu_matmul, "SMALL", 0)
    ids = torch.arange(12)[None]
    before, names = model(input_ids=ids).logits.detach(), list(model.state_dict())
    use_one_dnn(model, blocks=blocks)
    assert list(model.state_dict()) == names
    assert any(type(module) is (BlockLinear if blocks else CpuLinear) for module in model.modules())
    assert not any(type(module) is nn.Linear for module in model.modules())
    torch.testing.assert_close(model(input_ids=ids).logits, before, atol=1e-5, rtol=1e-4)
