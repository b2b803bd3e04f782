"""The memory of a model until it can be trained, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from agents.agent import Agent
from agents.config.learner import LearnerConfig
from agents.config.run import GameMix, TrainConfig
from agents.learner.master_weights import loading_dtype
from agents.training.loop import train
from tests.helpers.toys import GAME, build_tokenizer

ROOT = Path(__file__).parents[3]
METER = """
import gc, peft, sys
from pathlib import Path
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM
from agents.agent import Agent
from agents.config.learner import LearnerConfig

def kib(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0])

for rank in (4, 0):
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    before = kib("VmRSS")
    config = LearnerConfig(dtype="bfloat16", lora_rank=rank)
    learner = Agent.load(sys.argv[1], learner=config, device="cpu", short_cuts="none").learner
    weights = sum(p.numel() for name, p in learner.model.named_parameters() if "lora" not in name)
    sum(p.detach().amax() for p in learner.model.parameters())  # what is read from the file when it is first needed
    print((kib("VmHWM") - before) * 1024 / weights)
    del learner
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 38 million random weights, in bfloat16 as models are published."""
    folder = tmp_path_factory.mktemp("published")
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=4,
        num_attention_heads=12,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        eos_token_id=1,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the meter is Linux's")
def test_bytes_per_weight_until_a_model_can_be_trained_in_bfloat16(published: Path) -> None:
    """2 under adapters, 2 + 4 with masters. Read as float32 first, and copied, it were 6 and 8."""
    done = subprocess.run([sys.executable, "-c", METER, str(published)], cwd=ROOT, capture_output=True, text=True, check=True)
    adapters, masters = map(float, done.stdout.split())
    assert 1.9 < adapters < 4.0
    assert 5.5 < masters < 7.0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(("rank", "most"), [(4, 2.5), (0, 6.5)])
def test_bytes_per_weight_on_a_gpu(published: Path, rank: int, most: float) -> None:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    agent = Agent.load(str(published), learner=LearnerConfig(dtype="bfloat16", lora_rank=rank), device="cuda")
    assert agent.learner is not None
    weights = sum(p.numel() for name, p in agent.learner.model.named_parameters() if "lora" not in name)
    assert (torch.cuda.max_memory_allocated() - before) / weights < most


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (LearnerConfig(), torch.float32),
        (LearnerConfig(lora_rank=4), torch.float32),
        (LearnerConfig(dtype="bfloat16"), torch.float32),  # the masters start from it
        (LearnerConfig(dtype="bfloat16", lora_rank=4), torch.bfloat16),
    ],
)
def test_a_run_loads_its_model_in_the_precision_that_it_needs(
    config: LearnerConfig, expected: torch.dtype, letters_game: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loading_dtype(config) == expected
    loaded: list[object] = []

    def load(name: str, **options: object) -> None:
        loaded.append(options["dtype"])
        raise RuntimeError("far enough")

    monkeypatch.setattr("agents.training.assembly.load_model", load)
    run = replace(TrainConfig(games=(GameMix(env_id=GAME, kwargs={"attempts": 4}),)), learner=config)
    with pytest.raises(RuntimeError, match="far enough"):
        train(run, tmp_path / "run")
    assert loaded == [expected]
