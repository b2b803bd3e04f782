"""The supervisor of an engine, with a stand-in for vLLM: which weights it has, and what happens when it dies."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.config.learner import LearnerConfig
from agents.core.errors import EngineDied
from agents.models.adapters import with_lora
from agents.models.weights import weights_of
from agents.samplers.vllm.sampler import VllmSampler
from tests.helpers.toys import build_model
from tests.helpers.vllm_engine import PROMPTS, SHORT, alive, weights_sum


def test_weights_go_over_and_are_those_that_were_loaded_last(
    sampler: VllmSampler, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    for version in (1, 2):
        with torch.no_grad():
            model.get_input_embeddings().weight.add_(0.25)
        sampler.load_weights(weights_of(model, version))
        loaded = weights_sum(model)
        with torch.no_grad():
            model.get_input_embeddings().weight.add_(1.0)  # the learner goes on, the sampler does not
        for _ in range(2):
            [[reply]] = sampler.generate(PROMPTS, SHORT, [(0,)])
            assert reply.logprobs[0] == pytest.approx(loaded, abs=1e-4)
            assert reply.policy_version == version
            assert sampler.engine_pid is not None
            os.kill(sampler.engine_pid, signal.SIGKILL)
    assert sampler.stats.engine_restarts == 3


def test_adapters_go_over_alone_and_policies_share_the_engine(sampler: VllmSampler) -> None:
    config = LearnerConfig(lora_rank=3, adapters="per-role")
    model = with_lora(build_model(), config, ("proposer", "solver"))
    sampler.load_weights(weights_of(model, 1))
    sums = []
    for version in (2, 3):
        logprobs = {}
        with torch.no_grad():
            for name, p in model.named_parameters():
                if ".lora_B.solver" in name:
                    p.add_(0.5)
        sampler.load_weights(weights_of(model, version))
        for name in ("proposer", "solver", "base"):
            [[reply]] = sampler.with_adapter(name).generate(PROMPTS, SHORT, [(0,)])
            assert reply.policy_version == version
            logprobs[name] = reply.logprobs[0]
        solver = sum(float(p.detach().double().sum()) for name, p in model.named_parameters() if ".solver." in name)
        assert logprobs["solver"] == pytest.approx(solver, abs=1e-4)
        assert logprobs["base"] == pytest.approx(weights_sum(build_model()), abs=1e-4)
        sums.append(logprobs)
    assert sums[0]["proposer"] == sums[1]["proposer"]
    assert sums[0]["solver"] < sums[1]["solver"]
    assert sampler.supervisor.settings["max_lora_rank"] == 8
    assert sampler.supervisor.settings["max_loras"] == 2
    [[reply]] = sampler.generate(PROMPTS, SHORT, [(0,)])
    assert reply.logprobs[0] == sums[1]["proposer"]  # the adapter that is active in the model
    with pytest.raises(ValueError, match="adapter='judge'"):
        sampler.with_adapter("judge")


def test_a_death_in_the_middle_of_a_call_repeats_it(sampler: VllmSampler, orders: Path) -> None:
    (orders / "die").touch()
    [[reply]] = sampler.generate(PROMPTS, SHORT, [(0,)])
    assert reply.token_ids == (4, 5, 6)
    assert sampler.stats.engine_restarts == 1


def test_deaths_without_end_are_one_sentence(sampler: VllmSampler, orders: Path) -> None:
    (orders / "die_always").touch()
    with pytest.raises(EngineDied, match=r"killed \(signal 9.*2 new starts did not help: resume the run"):
        sampler.generate(PROMPTS, SHORT, [(0,)])
    assert sampler.stats.engine_restarts == 2
    (orders / "die_always").unlink()
    assert len(sampler.generate(PROMPTS, SHORT, [(0,)])) == 1


def test_close_leaves_nothing(sampler: VllmSampler, model: PreTrainedModel) -> None:
    sampler.load_weights(weights_of(model, 1))
    sampler.generate(PROMPTS, SHORT, [(0,)])
    pid, files = sampler.engine_pid, sampler.supervisor.files
    assert pid is not None
    assert files.folder.is_dir()
    sampler.close()
    sampler.close()
    assert not files.folder.exists()
    assert not alive(pid)
    with pytest.raises(ValueError, match="closed"):
        sampler.generate(PROMPTS, SHORT, [(0,)])


def test_an_engine_with_room_for_adapters_is_started_anew_for_weights_without(sampler: VllmSampler, orders: Path) -> None:
    plain = build_model(1)
    sampler.load_weights(weights_of(with_lora(build_model(), LearnerConfig(lora_rank=3), ()), 1))
    sampler.generate(PROMPTS, SHORT, [(0,)])
    before = sampler.engine_pid
    assert "'enable_lora': True" in (orders / "settings").read_text()
    sampler.load_weights(weights_of(plain, 2))
    [[reply]] = sampler.generate(PROMPTS, SHORT, [(0,)])
    assert reply.logprobs[0] == pytest.approx(weights_sum(plain), abs=1e-4)
    assert reply.policy_version == 2
    assert sampler.engine_pid != before
    assert "enable_lora" not in (orders / "settings").read_text()
    assert sampler.stats.engine_restarts == 0  # of those that died


@pytest.mark.parametrize(
    ("rank", "only_adapters", "message"), [(3, True, "must hold the base"), (600, False, "lora_rank=600 is above")]
)
def test_first_weights_that_cannot_be_written_leave_nothing(
    sampler: VllmSampler,
    model: PreTrainedModel,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    rank: int,
    only_adapters: bool,
    message: str,
) -> None:
    monkeypatch.setattr("agents.samplers.vllm.weights.exchange_folder", lambda size: Path(tempfile.mkdtemp(dir=tmp_path)))
    before = set(tmp_path.iterdir())
    unfit = weights_of(with_lora(build_model(), LearnerConfig(lora_rank=rank), ()), 1)
    with pytest.raises(ValueError, match=message):
        sampler.load_weights(unfit.shipped(only_adapters=only_adapters))
    assert set(tmp_path.iterdir()) == before
    [[reply]] = sampler.generate(PROMPTS, SHORT, [(0,)])
    assert reply.logprobs[0] == pytest.approx(weights_sum(model), abs=1e-4)
    assert reply.policy_version == 0


def test_weights_that_were_shipped_are_loaded_as_those_of_the_model_itself(sampler: VllmSampler) -> None:
    model = with_lora(build_model(), LearnerConfig(lora_rank=3), ())
    sampler.load_weights(weights_of(model, 1).shipped())
    sampler.generate(PROMPTS, SHORT, [(0,)])
    pid = sampler.engine_pid
    with torch.no_grad():
        for name, p in model.named_parameters():
            if ".lora_B." in name:
                p.add_(0.5)
    shipped = weights_of(model, 2).shipped(only_adapters=True)
    adapter = sum(float(p.detach().double().sum()) for name, p in model.named_parameters() if ".lora_" in name)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()  # the learner goes on, the sampler does not
    sampler.load_weights(shipped)
    [[reply]] = sampler.generate(PROMPTS, SHORT, [(0,)])
    assert (reply.policy_version, sampler.engine_pid) == (2, pid)
    assert reply.logprobs[0] == pytest.approx(adapter, abs=1e-4)
    [[reply]] = sampler.with_adapter("base").generate(PROMPTS, SHORT, [(0,)])
    assert reply.logprobs[0] == pytest.approx(weights_sum(build_model()), abs=1e-4)
