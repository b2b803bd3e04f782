from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

import pytest
import torch
from peft import PeftModel
from transformers import PreTrainedTokenizerFast

from agents.algorithms.table import ALGORITHMS
from agents.config.learner import LearnerConfig
from agents.config.run import GameMix, TrainConfig
from agents.core.errors import CheckpointError
from agents.learner.learner import Learner
from agents.learner.master_weights import round_weights
from agents.models.adapters import adapter_names, use_adapter
from agents.models.loading import load_model
from agents.models.weights import save_adapter, with_saved_adapters
from agents.rollouts.curriculum import Curriculum
from agents.runs.adapters import ADAPTERS
from agents.runs.folder import checkpoints, find_model
from agents.training.checkpoint import RunState, keep_model, load_checkpoint, save_checkpoint
from tests.helpers.golden_batch import golden_batch
from tests.helpers.toys import GAME, build_model

CONFIG = TrainConfig(games=(GameMix(env_id=GAME),))


def save(folder: Path, step: int, tokenizer: PreTrainedTokenizerFast, learner: Learner | None = None, keep: int = 2) -> Path:
    learner = learner or Learner(build_model())
    curriculum = Curriculum(CONFIG.games, 0)
    state = RunState(step=step, config=CONFIG, learner=learner, curriculum=curriculum, tokenizer=tokenizer)
    return save_checkpoint(folder, state, keep)


def test_only_the_newest_are_kept_and_nothing_is_left_beside(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    for step in (5, 10, 100):
        save(tmp_path, step, tokenizer)
    assert [path.name for path in checkpoints(tmp_path)] == ["step_000010", "step_000100"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_000010", "step_000100"]


def test_a_half_written_folder_is_no_checkpoint(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    save(tmp_path, 5, tokenizer)
    (tmp_path / ".step_000010.123").mkdir()
    (tmp_path / "step_000020").mkdir()
    assert [path.name for path in checkpoints(tmp_path)] == ["step_000005"]


def test_everything_comes_back(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    learner, curriculum = Learner(build_model(seed=3)), Curriculum(CONFIG.games, 0)
    learner.policy_version = 4
    curriculum.buffers[GAME].add({"letter": "x"})
    state = RunState(step=4, config=CONFIG, learner=learner, curriculum=curriculum, tokenizer=tokenizer)
    path = save_checkpoint(tmp_path, state, 1)
    other, buffers = Learner(build_model()), Curriculum(CONFIG.games, 0)
    assert load_checkpoint(path, other, buffers) == 4
    assert other.policy_version == 4
    assert len(buffers.buffers[GAME]) == 1
    exported, _ = load_model(str(path), device="cpu")
    for mine, theirs, third in zip(other.model.parameters(), learner.model.parameters(), exported.parameters(), strict=True):
        assert torch.equal(mine, theirs)
        assert torch.equal(third, theirs)
    assert TrainConfig.from_json(json.loads((path / "config.json").read_text())) == CONFIG


def test_adapters_are_merged_into_the_exported_model(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(build_model(), LearnerConfig(lora_rank=2))
    with torch.no_grad():
        for p in learner.trainable.values():
            p.add_(0.1)
    exported, _ = load_model(str(save(tmp_path, 1, tokenizer, learner)), device="cpu")
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        torch.testing.assert_close(exported(input_ids=ids).logits, learner.model(input_ids=ids).logits, atol=1e-4, rtol=1e-4)


def test_what_a_few_small_steps_in_bfloat16_change_shows_in_the_exported_model(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    """12 steps of 1e-6. Of a merge in bfloat16, less than a tenth showed."""
    base = build_model()
    round_weights(base, torch.bfloat16)
    round_weights(base, torch.float32)
    learner = Learner(copy.deepcopy(base), LearnerConfig(lora_rank=4, dtype="bfloat16", lr=1e-6, warmup_steps=0))
    for _ in range(12):
        learner.update(golden_batch(), ALGORITHMS["grpo"])
    path = save(tmp_path, 1, tokenizer, learner)
    exported, _ = load_model(str(path), device="cpu")
    adapted = with_saved_adapters(copy.deepcopy(base), path / ADAPTERS)
    as_it_says, _ = load_model(str(path), device="cpu", dtype=cast(torch.dtype, "auto"))
    assert as_it_says.dtype == torch.float32
    ids = torch.arange(4, 40)[None]
    with torch.no_grad():
        start, merged, apart = (one(input_ids=ids).logits.log_softmax(-1) for one in (base, exported, adapted))
    exact, seen = apart - start, merged - start
    assert exact.abs().max() > 1e-5
    assert ((seen * exact).sum() / (exact * exact).sum()).item() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("adapters", "names"), [("shared", ["default"]), ("per-role", ["proposer", "solver"])])
def test_peft_reads_every_adapter_of_a_checkpoint(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast, adapters: Literal["shared", "per-role"], names: list[str]
) -> None:
    learner = Learner(build_model(), LearnerConfig(lora_rank=2, adapters=adapters), roles=("proposer", "solver"))
    with torch.no_grad():
        for number, p in enumerate(learner.trainable.values()):
            p.add_(0.01 * (number + 1))
    folder = save(tmp_path, 1, tokenizer, learner) / ADAPTERS
    assert sorted(path.name for path in folder.iterdir()) == names
    ids = torch.tensor([[5, 6, 7]])
    for name in names:
        assert sorted(path.name for path in (folder / name).iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
        loaded = PeftModel.from_pretrained(build_model(), str(folder / name))
        with torch.no_grad(), use_adapter(learner.model, name):
            assert torch.equal(loaded(input_ids=ids).logits, learner.model(input_ids=ids).logits)
    together = with_saved_adapters(build_model(), folder)
    assert adapter_names(together) == tuple(names)
    for name in names:
        with torch.no_grad(), use_adapter(learner.model, name), use_adapter(together, name):
            assert torch.equal(together(input_ids=ids).logits, learner.model(input_ids=ids).logits)


def test_adapters_that_are_not_there_or_do_not_fit_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no adapter"):
        with_saved_adapters(build_model(), tmp_path)
    save_adapter(Learner(build_model(), LearnerConfig(lora_rank=2)).model, "default", tmp_path / "default")
    path = tmp_path / "default" / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="does not fit the model"):
        with_saved_adapters(build_model(), tmp_path)


def test_a_model_without_adapters_has_no_folder_of_them(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    assert not (save(tmp_path, 1, tokenizer) / ADAPTERS).exists()


def test_damage_is_named(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    path = save(tmp_path, 1, tokenizer)
    (path / "learner.pt").write_bytes(b"cut")
    with pytest.raises(CheckpointError, match="step_000001 cannot be resumed"):
        load_checkpoint(path, Learner(build_model()), Curriculum(CONFIG.games, 0))


def test_a_model_that_is_kept_is_a_checkpoint_without_what_a_run_goes_on_with(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    learner = Learner(build_model(seed=3))
    state = RunState(step=50, config=CONFIG, learner=learner, curriculum=Curriculum(CONFIG.games, 0), tokenizer=tokenizer)
    for _ in range(2):  # a resumed run writes it anew
        path = keep_model(tmp_path / "models", state)
    keep_model(tmp_path / "models", replace(state, step=100))
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["step_000050", "step_000100"]
    assert sorted(path.name for path in path.iterdir()) == ["config.json", "model", "state.json"]
    assert find_model(str(path)) == (str(path), CONFIG)
    model, _ = load_model(str(path), device="cpu", short_cuts="none")
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(model.parameters(), learner.model.parameters(), strict=True))
