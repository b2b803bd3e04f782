"""Adapters of a run: where they lie, and which one a checkpoint has merged."""

from pathlib import Path

from agents.config.learner import LearnerConfig
from agents.config.run import GameMix, TrainConfig
from agents.runs.adapters import ADAPTERS, adapter_folders, has_adapter_per_role, merged_adapter


def test_folders_that_peft_can_read_are_adapters(tmp_path: Path):
    for name in ("solver", "proposer", "half_written"):
        (tmp_path / ADAPTERS / name).mkdir(parents=True)
    for name in ("solver", "proposer"):
        (tmp_path / ADAPTERS / name / "adapter_config.json").touch()
    assert [folder.name for folder in adapter_folders(tmp_path)] == ["proposer", "solver"]
    assert adapter_folders(tmp_path / "elsewhere") == []


def test_a_role_has_its_own_adapter_only_with_lora_and_where_the_run_says_so():
    games = (GameMix(env_id="SelfPlay/Deduction-v0"),)
    for rank, adapters, per_role in ((2, "per-role", True), (2, "shared", False)):
        config = TrainConfig(games=games, learner=LearnerConfig(lora_rank=rank, adapters=adapters))
        assert has_adapter_per_role(config) is per_role
    assert not has_adapter_per_role(TrainConfig(games=games))
    assert not has_adapter_per_role(None)


def test_the_first_role_that_answers_is_merged_else_the_first_by_name():
    assert merged_adapter(["proposer", "solver"], ["solver"]) == "solver"
    assert merged_adapter(["second", "first"], []) == "first"
    assert merged_adapter(["default"], ["solver"]) == "default"
