"""Main memory and disk: beside what a checkpoint of a small run really is, and the large presets by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents.algorithms.table import find_algorithm
from agents.config.learner import LearnerConfig
from agents.config.presets import find_preset
from agents.config.run import TrainConfig
from agents.learner.learner import Learner
from agents.memory_plan.cards import GIB, demand_of
from agents.memory_plan.host import plan_host
from agents.models.loading import load_model
from agents.rollouts.curriculum import Curriculum
from agents.training.checkpoint import RunState, save_checkpoint
from tests.helpers.even_batches import replies


@pytest.mark.parametrize(
    "learner",
    [
        LearnerConfig(),
        LearnerConfig(dtype="bfloat16"),
        LearnerConfig(lora_rank=8),
        LearnerConfig(lora_rank=8, dtype="bfloat16"),
    ],
)
def test_a_checkpoint_is_as_large_as_planned(learner: LearnerConfig, tmp_path: Path):
    config = replace(find_preset("kuhn-tiny"), learner=learner)
    model, tokenizer = load_model("tiny", device="cpu", short_cuts="none")
    real = Learner(model, learner)
    batch = replies(packed=False, steps=1)
    real.update(replace(batch, ids_BT=batch.ids_BT % 400), find_algorithm("reinforce++"))
    curriculum = Curriculum(config.games, 0)
    state = RunState(step=1, config=config, learner=real, curriculum=curriculum, tokenizer=tokenizer)
    path = save_checkpoint(tmp_path, state, keep=1)
    weights = [path / "learner.pt", *path.rglob("*.safetensors")]
    size = sum(file.stat().st_size for file in weights)
    assert size == pytest.approx(plan_host(demand_of(config)).checkpoint, rel=0.03)  # names and shapes stand beside numbers


def test_large_presets_take_what_the_arithmetic_says():
    azr, lsp = find_preset("azr-8b"), find_preset("lsp-3b")
    host = plan_host(demand_of(azr))
    weights = 8_190_735_360 * 2
    assert (host.loading, host.files, host.asleep) == (weights, weights, int(1.3 * weights))
    assert round(host.saving / GIB) == 28  # merged in float32
    full = plan_host(demand_of(replace(lsp, learner=replace(lsp.learner, lora_rank=0))))
    assert round(full.checkpoint / 1e9) == 45
    assert full.checkpoints == 3 * full.checkpoint
    assert full.asleep == 0  # a sleeper whose weights change reads them again
    assert full.files == 2 * 3_212_749_824 * 2  # the old beside the new


def test_several_steps_on_a_batch_keep_a_copy_to_go_back_to():
    config: TrainConfig = find_preset("azr-smollm2")
    twice = replace(config, learner=replace(config.learner, epochs=2))
    assert plan_host(demand_of(twice)).saving == 2 * plan_host(demand_of(config)).saving
