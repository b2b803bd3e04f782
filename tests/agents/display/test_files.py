"""The places that the end of a run names: they exist, and no path is broken."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from transformers import PreTrainedTokenizerFast

from agents.config.learner import LearnerConfig
from agents.config.run import TrainConfig
from agents.display.files import print_files
from agents.runs.adapters import ADAPTERS
from tests.helpers.adapter_run import learner_with_two_adapters, write_adapter_run


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return replace(letters_run, learner=LearnerConfig(lora_rank=2, adapters="per-role"))


@pytest.fixture
def run_dir(tmp_path: Path, config: TrainConfig, tokenizer: PreTrainedTokenizerFast) -> Path:
    return write_adapter_run(tmp_path / "run", config, learner_with_two_adapters(config), tokenizer)


def printed(run_dir: Path, config: TrainConfig, width: int) -> str:
    out = io.StringIO()
    print_files(Console(file=out, width=width), run_dir, config)
    return out.getvalue()


def test_the_end_of_a_run_says_where_model_and_adapters_lie_and_all_of_it_exists(run_dir: Path, config: TrainConfig) -> None:
    shown = printed(run_dir, config, 4000)
    [files] = [line for line in shown.splitlines() if line.startswith("Everything lies in ")]
    names = files.partition(f"{run_dir}/: ")[2].split(", ")
    assert names == ["config.json", "checkpoints/"]
    lines = {line.rpartition(": ")[0]: Path(line.rpartition(": ")[2]) for line in shown.splitlines() if line.startswith("The ")}
    assert list(lines) == [
        "The model, with the solver's adapter merged in",
        "The proposer's adapter alone, for peft",
        "The solver's adapter alone, for peft",
    ]
    assert all(path.is_dir() for path in lines.values())
    shared = replace(config, learner=LearnerConfig(lora_rank=2))
    assert "The model, its adapter merged in: " in printed(run_dir, shared, 4000)
    narrow = printed(run_dir, config, 50)
    assert str(run_dir / "checkpoints" / "step_000003" / ADAPTERS / "solver") in narrow  # a path is never broken
