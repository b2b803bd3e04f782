"""`selfplay algorithms`: readable at 80 and at 50 columns, and every setting of every row explained."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from agents.algorithms.algorithm import Algorithm
from agents.algorithms.table import ALGORITHMS
from agents.cli.algorithms import algorithms, settings_of
from agents.config.algorithm_settings import KEYWORDS, Setting, meanings
from agents.config.objective import Objective


def mine(logprobs_BT: object, old_BT: object, advantage_BT: object, mask_BT: object, n: object, *, tau: float) -> None:
    """A loss of one's own."""


OWN = replace(ALGORITHMS["rloo"], name="own", loss=mine, defaults={"tau": 1.5})  # type: ignore[arg-type]


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int, *args: str) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert algorithms(args) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ALGORITHMS)
def test_no_setting_lacks_a_meaning_or_its_values(name: str) -> None:
    algorithm = ALGORITHMS[name]
    settings = {setting: (value, about) for setting, value, about in settings_of(algorithm)}
    assert set(settings) == {*algorithm.defaults, "group_by", *(field.name for field in fields(Objective))}
    for setting, (value, about) in settings.items():
        assert len(about.meaning.split()) >= 5, setting
        assert about.allowed
        if not about.choices:
            assert isinstance(value, about.kind if about.kind is not float else (int, float)), setting
        else:
            assert value in about.choices, setting


def test_every_keyword_that_is_explained_is_one_of_some_row() -> None:
    assert set(KEYWORDS) == {name for row in ALGORITHMS.values() for name in row.defaults}


@pytest.mark.parametrize("columns", [80, 50])
@pytest.mark.parametrize("name", ["dapo", "gspo", "reinforce", "lsp", "ppo", "dpo", ""])
def test_nothing_is_cut_or_broken_at(
    columns: int, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shown(capsys, monkeypatch, columns, *([name] if name else []))
    assert max(len(line.rstrip()) for line in out.splitlines()) <= columns
    assert "…" not in out
    rows = [ALGORITHMS[name]] if name else list(ALGORITHMS.values())
    words = out.split()
    for row in rows:
        texts = [row.paper, *(about.meaning for _, _, about in settings_of(row) if name)]
        for word in " ".join(texts).replace("`", "").split():
            assert any(word in shown_word for shown_word in words), word
        for setting, value, about in settings_of(row) if name else ():
            assert setting in words
            assert (str(value).lower() if isinstance(value, bool) else str(value) or "(empty)") in words
            assert all(any(choice in word for word in words) for choice in about.choices)


def test_a_row_says_what_its_ratios_are_good_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, sentence in (
        ("gspo", "with one step per batch, the default, nothing that acts on ratios does anything: set learner.epochs"),
        ("cispo", "nothing that acts on ratios does anything"),
        ("sft", "are ordinary supervised training"),
        ("lsp", "are refused, and messages of an older policy (staleness) too unless tis_cap corrects"),
    ):
        assert sentence in " ".join(shown(capsys, monkeypatch, 80, name).split())


def test_the_list_points_to_the_rows_and_a_row_does_not_point_to_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "`selfplay algorithms NAME` explains every setting" in " ".join(shown(capsys, monkeypatch, 80).split())
    out = shown(capsys, monkeypatch, 80, "grpo")
    assert "algorithms NAME" not in out
    assert "--algorithm grpo --options kl_coef 0.04" in " ".join(out.split())


def test_a_row_of_ones_own_is_explained_as_far_as_it_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = " ".join(shown(capsys, monkeypatch, 80, "tests.agents.cli.test_algorithms:OWN").split())
    assert "tau A keyword of mine. 1.5 Values: any number." in out


def test_docstrings_below_fields_are_their_meanings() -> None:
    assert meanings(Algorithm)["clips_messages"].startswith("The loss clips the ratio of a whole message")
    assert meanings(Objective)["kl_coef"] == "Weight of KL(policy || reference); 0 needs no reference."


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting(), "any number"),
        (Setting(low=0), "0 or more"),
        (Setting(low=0, open_low=True), "above 0"),
        (Setting(low=0, high=1), "from 0 to 1"),
        (Setting(low=0, high=1, open_high=True), "from 0 to below 1"),
        (Setting(low=1, open_low=True, off=0), "0, or above 1"),
        (Setting(low=0, kind=int), "whole, 0 or more"),
        (Setting(choices=("a", "b"), kind=str), "a, b"),
        (Setting(kind=bool), "true or false"),
    ],
)
def test_ranges_in_words(setting: Setting, words: str) -> None:
    assert setting.allowed == words
