from __future__ import annotations

import subprocess
import sys

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.config.sampler import SAMPLERS, needs_model, parse_sampler, with_options
from agents.samplers.endpoint import EndpointSampler
from agents.samplers.registry import open_sampler
from agents.samplers.transformers import TransformersSampler


def test_texts_are_parsed() -> None:
    assert parse_sampler("transformers") == ("transformers", {})
    assert parse_sampler("vllm:dtype=float32,sleep=1") == ("vllm", {"dtype": "float32", "sleep": "1"})
    assert parse_sampler("endpoint:url=http://h:1/v1,model=a=b") == ("endpoint", {"url": "http://h:1/v1", "model": "a=b"})
    assert [needs_model(text) for text in ("transformers", "vllm:sleep", "endpoint:url=x")] == [True, True, False]
    sentence = rf"sampler='vlm' is not known; did you mean 'vllm'\? choose one of {', '.join(SAMPLERS.table)}, or module:NAME"
    with pytest.raises(ValueError, match=sentence):
        parse_sampler("vlm")
    with pytest.raises(ValueError, match="names copy twice"):
        parse_sampler("transformers:copy=1,copy=0")


def test_options_are_added_or_given_other_values() -> None:
    text = "vllm:dtype=bfloat16,sleep,gpu_memory_utilization=0.7"
    assert with_options(text, {"gpu_memory_utilization": "0.5"}) == "vllm:dtype=bfloat16,sleep,gpu_memory_utilization=0.5"
    assert with_options("vllm", {"kv_cache_gib": "4"}) == "vllm:kv_cache_gib=4"
    assert with_options("transformers", {}) == "transformers"
    assert with_options(text, {"dtype": None, "kv_cache_gib": None}) == "vllm:sleep,gpu_memory_utilization=0.7"
    assert with_options("transformers:copy", {"copy": None}) == "transformers"


def test_parsing_loads_no_torch() -> None:
    code = "import sys, agents.config.sampler; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_transformers_with_and_without_options(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    plain = open_sampler("transformers", model, tokenizer, max_rows=7)
    assert isinstance(plain, TransformersSampler)
    assert (plain.model is model, plain.max_rows) == (True, 7)
    own = open_sampler("transformers:max_rows=256,copy=1,prefill_tokens=99", model, tokenizer, max_rows=7)
    assert isinstance(own, TransformersSampler)
    assert (own.model is model, own.max_rows, own.prefill_tokens) == (False, 256, 99)
    for text in ("transformers:copy=0", "transformers:copy=false"):
        assert open_sampler(text, model, tokenizer).model is model  # type: ignore[attr-defined]
    assert open_sampler("transformers:copy", model, tokenizer).model is not model  # type: ignore[attr-defined]


def test_an_endpoint_needs_no_model() -> None:
    sampler = open_sampler("endpoint:url=http://localhost:8000/v1,model=org/name,parallel=3,timeout_s=2.5", None, None)
    assert isinstance(sampler, EndpointSampler)
    assert sampler.model_name == "org/name"
    with pytest.raises(ValueError, match="sampler='transformers' needs a model and its tokenizer"):
        open_sampler("transformers", None, None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("transformers:rows=3", "option 'rows' is not known; choose among max_rows, prefill_tokens, copy"),
        ("transformers:max_rows=many", "max_rows='many' is not understood; write a whole number"),
        ("transformers:copy=2", "copy='2' is not understood; write 1 or 0"),
        ("endpoint:url=http://h/v1,model=m,timeout_s=x", "timeout_s='x' is not understood; write a number"),
        ("endpoint:model=m", "option 'url' is missing; write it as endpoint:model=m,url=..."),
        ("endpoint", "option 'url' is missing; write it as endpoint:url=..."),
        ("endpoint:url=,model=m", "option 'url' is missing"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, text: str, sentence: str
) -> None:
    with pytest.raises(ValueError) as caught:
        open_sampler(text, model, tokenizer)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(f"sampler={text!r}")
