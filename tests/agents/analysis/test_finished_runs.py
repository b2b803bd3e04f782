"""Runs read from their folders: which are seeds of one arm, what they are called, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.analysis.finished_runs import read_runs
from agents.core.errors import AgentError
from selfplay_envs import UsageError
from tests.helpers.token_runs import write_token_run


def test_runs_that_differ_in_the_seed_alone_are_one_arm(tmp_path: Path) -> None:
    folders = [write_token_run(tmp_path / f"azr-{seed}", seed=seed, steps=()) for seed in (0, 1)]
    folders.append(write_token_run(tmp_path / "half", steps=(), algorithm="grpo"))
    folders.append(write_token_run(tmp_path / "longer", seed=7, steps=(), checkpoint_every=3))
    runs = read_runs(folders)
    assert [run.name for run in runs] == ["azr-0", "azr-1", "half", "longer"]
    assert [run.arm == runs[0].arm for run in runs] == [True, True, False, True]  # what is written is no part of it
    assert runs[2].arm == "half"
    assert read_runs(folders[:2])[1].arm == "azr"
    assert read_runs(folders[:1])[0].arm == "azr-0"


def test_folders_of_seeds_are_called_by_the_arm_above_them(tmp_path: Path) -> None:
    folders = [
        write_token_run(tmp_path / arm / f"seed-{seed}", seed=seed, steps=(), algorithm=algorithm)
        for arm, algorithm in (("one", "trr++"), ("two", "grpo"))
        for seed in (0, 1)
    ]
    runs = read_runs(folders)
    assert [run.arm for run in runs] == ["one", "one", "two", "two"]
    assert [run.name for run in runs] == ["one/seed-0", "one/seed-1", "two/seed-0", "two/seed-1"]
    assert read_runs(folders[:1])[0].arm == "one"


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    folders = [
        write_token_run(tmp_path / place / "run", steps=(), algorithm=name) for place, name in (("a", "trr++"), ("b", "grpo"))
    ]
    assert len({run.name for run in read_runs(folders)}) == 2


def test_what_imitates_is_seen_in_its_rows(tmp_path: Path) -> None:
    folder = write_token_run(tmp_path / "run", steps=())
    assert not read_runs([folder])[0].imitates
    (folder / "metrics.jsonl").write_text(json.dumps({"step": 1, "solver/x/count": 2, "solver/x/given": 2}) + "\n")
    assert read_runs([folder])[0].imitates


def test_what_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    folder = write_token_run(tmp_path / "run", steps=())
    with pytest.raises(UsageError, match=r"^run: none is named"):
        read_runs([])
    with pytest.raises(UsageError, match="is named twice"):
        read_runs([folder, tmp_path / "other" / ".." / "run"])
    with pytest.raises(AgentError, match=r"holds no config\.json"):
        read_runs([tmp_path])
    (folder / "metrics.jsonl").unlink()
    with pytest.raises(UsageError, match="has no finished step"):
        read_runs([folder])


def test_two_arms_never_have_one_name(tmp_path: Path) -> None:
    """Folders of two arms that begin alike, or lie in folders of one name, are called as all of theirs."""
    alike = [
        write_token_run(tmp_path / f"azr-tiny-{number}", seed=number % 2, steps=(), algorithm=algorithm)
        for number, algorithm in ((1, "trr++"), (2, "trr++"), (3, "grpo"), (4, "grpo"))
    ]
    one, two = "azr-tiny-1, azr-tiny-2", "azr-tiny-3, azr-tiny-4"
    assert [run.arm for run in read_runs(alike)] == [one, one, two, two]
    apart = [
        write_token_run(tmp_path / place / "sft" / f"seed-{seed}", seed=seed, steps=(), algorithm=algorithm)
        for place, algorithm in (("a", "trr++"), ("b", "grpo"))
        for seed in (0, 1)
    ]
    arms = [run.arm for run in read_runs(apart)]
    assert [arm == arms[0] for arm in arms] == [True, True, False, False]
    assert [run.arm for run in read_runs([apart[0], apart[3]])] == ["sft/seed-0", "sft/seed-1"]
