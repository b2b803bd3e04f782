from __future__ import annotations

import pytest

from agents.config.run import GameMix, TrainConfig
from agents.config.short_cuts import ShortCuts, parse_short_cuts, short_cuts_of


def test_text_and_choices_are_inverse() -> None:
    taken = ShortCuts(onednn=True, attention=True, threads=3, workers=2)
    assert taken.text == "onednn=1,blocks=0,attention=1,tables=0,threads=3,workers=2"
    assert ShortCuts.of(parse_short_cuts(taken.text)) == taken


def test_auto_forces_nothing_and_none_forces_torch_s_own_way() -> None:
    assert parse_short_cuts("auto") == {}
    assert ShortCuts.of(parse_short_cuts("none")) == ShortCuts()
    assert ShortCuts() == ShortCuts(onednn=False, blocks=False, attention=False, tables=False, threads=0, workers=1)
    assert parse_short_cuts("threads=1, onednn=0") == {"threads": 1, "onednn": 0}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fast", "'fast' is not known; write auto, none, or some of onednn, blocks, attention, tables, threads, workers"),
        ("", "'' is not known"),
        ("onednn=2", "onednn='2' is not 0 or 1; correct it, or leave it out to try it"),
        ("onednn", "onednn='' is not 0 or 1"),
        ("workers=0", "workers='0' is not a whole number from 1 to 1024"),
        ("threads=-1", "threads='-1' is not a whole number from 0"),
        ("threads=²", "is not a whole number"),
        ("onednn=1,onednn=0", "'onednn' comes twice"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_a_run_refuses_it(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_short_cuts(text)
    with pytest.raises(ValueError, match=sentence):
        TrainConfig(games=(GameMix(env_id="x"),), short_cuts=text)


def test_a_model_that_was_never_asked_takes_none() -> None:
    assert short_cuts_of(object()) == ShortCuts()
