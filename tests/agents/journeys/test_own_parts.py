"""Presets and samplers of one's own, by `module:NAME`; what is wrong with a name is said before a run makes its folder."""

from __future__ import annotations

import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents import train
from agents.config.presets import find_preset
from agents.config.run import TrainConfig
from agents.config.sampler import parse_sampler
from agents.samplers.registry import open_sampler
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import UsageError

MODULE = """
from dataclasses import replace
from agents import TransformersSampler, find_preset

SMALL = replace(find_preset("kuhn-tiny"), steps=2)


def three():
    return replace(SMALL, steps=3)


def wrong():
    return replace(SMALL, steps=0)


def none():
    return None


class Loud(TransformersSampler):
    def __init__(self, model, tokenizer, *, max_rows: int = 1, volume: float = 1.0):
        super().__init__(model, tokenizer, max_rows=max_rows)
        self.volume = volume
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    (tmp_path / "own_run_parts.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_run_parts", None)


def test_a_preset_of_ones_own_is_a_config_or_a_function(own: None) -> None:
    assert find_preset("own_run_parts:SMALL").steps == 2
    assert find_preset("own_run_parts:three").steps == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("azr-tny", "preset='azr-tny' is not known; did you mean 'azr-tiny'? choose one of azr-tiny, "),
        ("own_run_parts:wrong", "preset='own_run_parts:wrong': own_run_parts.py:13: ValueError: TrainConfig.steps=0"),
        ("own_run_parts:none", "preset='own_run_parts:none' returns None, which is no TrainConfig"),
        ("own_run_parts:MODULE", "the module 'own_run_parts' holds no 'MODULE'; define it there."),
        ("azr-tiny:steps=3", "takes no options in its text; write azr-tiny alone."),
    ],
)
def test_what_is_wrong_with_a_preset_is_one_sentence(own: None, text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_preset(text)
    assert sentence in str(caught.value)


def test_a_sampler_of_ones_own(own: None, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    assert parse_sampler("own_run_parts:Loud:volume=2") == ("own_run_parts:Loud", {"volume": "2"})
    sampler = open_sampler("own_run_parts:Loud:volume=2", model, tokenizer, max_rows=7)
    assert isinstance(sampler, TransformersSampler)
    assert (sampler.max_rows, sampler.volume) == (7, 2.0)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="option 'tokenizer' is not known; choose among max_rows, volume"):
        open_sampler("own_run_parts:Loud:tokenizer=x", model, tokenizer)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"judge": "nojudge"}, "judge='nojudge' is not known"),
        ({"judge": "nowhere:Vowels"}, "judge='nowhere:Vowels': No module named 'nowhere'"),
        ({"shapers": ("repetitoin",)}, r"shaper='repetitoin' is not known; did you mean 'repetition'\?"),
        ({"algorithm": "rlooo"}, r"algorithm='rlooo' is not known; did you mean 'rloo'\?"),
        ({"sampler": "transformers:rows=3"}, "option 'rows' is not known; choose among max_rows, prefill_tokens, copy"),
    ],
)
def test_a_wrong_name_is_said_before_a_folder_is_made(tmp_path: Path, change: dict[str, str], sentence: str) -> None:
    config: TrainConfig = replace(find_preset("kuhn-tiny"), **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=sentence):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
