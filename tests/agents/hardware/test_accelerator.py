from __future__ import annotations

from collections.abc import Generator

import pytest
import torch

from agents.hardware import accelerator
from agents.hardware.accelerator import prepare_accelerator
from agents.models import loading as models


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """A process that has seen no accelerator, with torch's own setting; a build without CUDA has the switch too."""
    monkeypatch.setattr(accelerator, "_settled", set())
    before = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(True)
    yield
    torch.backends.cuda.enable_cudnn_sdp(before)


@pytest.mark.parametrize(("device", "left"), [("cpu", True), ("meta", True), ("cuda", False), ("cuda:1", False)])
def test_the_attention_that_plans_for_every_shape_is_off_on_cuda_devices(device: str, left: bool) -> None:
    prepare_accelerator(torch.device(device))
    assert torch.backends.cuda.cudnn_sdp_enabled() == left
    assert torch.backends.cuda.flash_sdp_enabled()
    assert torch.backends.cuda.mem_efficient_sdp_enabled()


def test_who_switches_it_on_again_keeps_it() -> None:
    prepare_accelerator("cuda")
    torch.backends.cuda.enable_cudnn_sdp(True)
    prepare_accelerator("cuda:1")
    assert torch.backends.cuda.cudnn_sdp_enabled()


def test_loading_a_model_prepares_its_device_before_the_model_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(models, "prepare_accelerator", seen.append)
    model, _ = models.load_model("tiny", device="meta")
    assert (seen, model.device.type) == (["meta"], "meta")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_cuda_device_attention_with_a_mask_goes_elsewhere() -> None:
    models.load_model("tiny", device="cuda")
    query = torch.zeros(1, 4, 64, 64, device="cuda", dtype=torch.bfloat16)
    mask = torch.zeros(1, 1, 64, 64, device="cuda", dtype=torch.bfloat16)
    flash, memory_efficient = 1, 2  # cuDNN is 3
    assert torch._fused_sdp_choice(query, query, query, attn_mask=mask) == memory_efficient
    assert torch._fused_sdp_choice(query, query, query, is_causal=True) == flash
