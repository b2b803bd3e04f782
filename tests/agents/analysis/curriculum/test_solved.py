"""What is kept of a sample: under a name that everything decides, and never lost to a damaged file in silence."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agents.analysis.curriculum.proposals import proposals_in
from agents.analysis.curriculum.solved import (
    Rates,
    final_model,
    identity,
    keep_rates,
    key_of,
    put_together,
    read_rates,
    solved_series,
)
from agents.config.sampling import Sampling
from agents.runs.folder import read_config
from agents.tiny.folder import TINY_MODEL
from selfplay_envs import UsageError
from tests.helpers.planted_proposals import code_task, planted, write_planted_run

SAMPLE = proposals_in([planted(code_task(1), [1, 0])], 10) + proposals_in([planted(code_task(2), [0, 0])], 20)


def test_rates_come_back_under_their_name_alone(tmp_path: Path) -> None:
    path = tmp_path / "measured" / "curriculum.json"
    rates = {"one": [Rates(0.5, 0.25), Rates(None, None)], "two": [Rates(1.0, 1.0)]}
    assert read_rates(path, "one") is None
    for key, of_key in rates.items():
        keep_rates(path, key, of_key)
    assert {key: read_rates(path, key) for key in rates} == rates
    assert read_rates(path, "three") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"one": 3}', '{"one": [3]}', '{"one": [[1, 2, 3]]}', "[" * 100_000])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "curriculum.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="is damaged"):
        read_rates(path, "one")


def test_the_name_tells_everything_that_decides(tmp_path: Path) -> None:
    config = read_config(write_planted_run(tmp_path / "run", lambda *_: []))
    settings = {"attempts": 8, "seed": 0}
    key = key_of(SAMPLE, config, "tiny", settings)
    assert key == key_of(SAMPLE, replace(config, seed=9, steps=99), "tiny", settings)
    others = [
        key_of(SAMPLE[:1], config, "tiny", settings),
        key_of(SAMPLE, replace(config, evaluation=replace(config.evaluation, judge="criteria")), "tiny", settings),
        key_of(SAMPLE, replace(config, sampling=Sampling(temperature=0.5)), "tiny", settings),
        key_of(SAMPLE, replace(config, judge="self"), "tiny", settings),
        key_of(SAMPLE, replace(config, games=(replace(config.games[0], kwargs={"style": "full"}),)), "tiny", settings),
        key_of(SAMPLE, config, "somebody/else", settings),
        key_of(SAMPLE, config, "tiny", {**settings, "attempts": 4}),
    ]
    assert len({key, *others}) == 8


def test_models_are_named_by_content(tmp_path: Path) -> None:
    run = write_planted_run(tmp_path / "run", lambda *_: [], model=True)
    last = final_model(run)
    assert last is not None
    assert last.name == "step_000100"
    assert identity(str(last)) == identity("tiny") == identity(str(TINY_MODEL))
    other = tmp_path / "other"
    shutil.copytree(TINY_MODEL, other)
    weights = next(other.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    assert identity(str(other)) != identity("tiny")
    assert identity("somebody/else") == "somebody/else"


def test_a_run_without_a_model_has_no_last_one(tmp_path: Path) -> None:
    assert final_model(write_planted_run(tmp_path / "run", lambda *_: [])) is None


def test_both_models_beside_the_panel() -> None:
    solved = put_together(SAMPLE, [Rates(0.5, 0.6), Rates(0.0, 0.1)], [Rates(1.0, 1.0), Rates(None, None)])
    assert [(one.step, one.own, one.base, one.final) for one in solved] == [(10, 0.5, 0.5, 1.0), (20, 0.0, 0.0, None)]
    assert solved_series(solved, "base_score") == {10: 0.6, 20: 0.1}
    assert solved_series(solved, "final") == {10: 1.0}
