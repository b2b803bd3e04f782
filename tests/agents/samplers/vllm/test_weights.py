"""Weights as files: what is written with which version, and when an engine must start anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import PreTrainedModel

from agents.config.learner import LearnerConfig
from agents.models.adapters import with_lora
from agents.models.weights import weights_of
from agents.samplers.vllm.weights import WeightFiles, save_weights
from tests.helpers.toys import build_model

ROLES = ("proposer", "solver")


def adapted(rank: int = 2, roles: tuple[str, ...] = ROLES) -> PreTrainedModel:
    return with_lora(build_model(), LearnerConfig(lora_rank=rank, adapters="per-role"), roles)


@pytest.fixture
def files(model: PreTrainedModel) -> Iterator[WeightFiles]:
    opened = WeightFiles(model, torch.float32)
    yield opened
    opened.close()
    assert not opened.folder.exists()


def written(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_a_model_without_adapters_is_written_anew_and_loaded_in_place(files: WeightFiles, model: PreTrainedModel) -> None:
    assert files.write(weights_of(model, 0))
    before = written(files.weights)
    with torch.no_grad():
        model.get_input_embeddings().weight.add_(1.0)
    assert files.write(weights_of(model, 1))
    after = written(files.weights)
    assert torch.equal(after["model.embed_tokens.weight"], before["model.embed_tokens.weight"] + 1.0)
    assert (files.room, files.adapters) == ((0, 0), {})


def test_of_a_model_with_adapters_only_they_are_written_again(files: WeightFiles) -> None:
    model = adapted()
    assert not files.write(weights_of(model, 0))  # an engine that runs has no room for any
    assert files.room == (2, 8)
    base = (files.weights / "model.safetensors").stat().st_mtime_ns
    before = dict(files.adapters)
    assert files.write(weights_of(model, 1))
    assert (files.weights / "model.safetensors").stat().st_mtime_ns == base
    assert list(files.adapters) == list(ROLES)
    assert not {name for name, _, _ in before.values()} & {name for name, _, _ in files.adapters.values()}
    assert [Path(folder).is_dir() for _, _, folder in (*before.values(), *files.adapters.values())] == [
        False,
        False,
        True,
        True,
    ]
    assert set(written(files.weights)) == set(build_model().state_dict()) - {"lm_head.weight"}


@pytest.mark.parametrize("other", [adapted(9), adapted(roles=("solver",)), build_model()], ids=["rank", "number", "none"])
def test_an_engine_with_other_room_for_adapters_must_start_anew(files: WeightFiles, other: PreTrainedModel) -> None:
    model = adapted()
    files.write(weights_of(model, 0))
    assert files.write(weights_of(model, 1))
    assert not files.write(weights_of(other, 2))
    assert files.write(weights_of(other, 3))


def test_shipped_adapters_need_no_base_once_it_is_there(files: WeightFiles) -> None:
    model = adapted()
    with pytest.raises(ValueError, match="the first weights that vLLM is given must hold the base"):
        files.write(weights_of(model, 0).shipped(only_adapters=True))
    assert not files.write(weights_of(model, 0).shipped())
    assert files.write(weights_of(model, 1).shipped(only_adapters=True))
    assert not files.write(weights_of(model, 2).shipped())  # the base may be another


def test_the_files_of_adapters_are_those_of_the_checkpoint_s_adapters(files: WeightFiles) -> None:
    model = adapted()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if ".lora_B.solver" in name:
                p.fill_(0.5)
    files.write(weights_of(model, 0))
    saved = load_file(Path(files.adapters["solver"][2]) / "adapter_model.safetensors")
    solver = {name.replace(".solver.", "."): p for name, p in model.named_parameters() if ".solver." in name}
    assert set(saved) == set(solver)
    assert all(torch.equal(saved[name], p) for name, p in solver.items())


def test_a_rank_above_all_of_vllm_s_is_refused(files: WeightFiles) -> None:
    with pytest.raises(ValueError, match="lora_rank=513 is above 512, the largest that vLLM takes"):
        files.write(weights_of(adapted(513, ("solver",)), 0))


def test_whole_weights_are_saved_in_the_engine_s_dtype(tmp_path: Path) -> None:
    model = build_model()
    save_weights(model, tmp_path / "plain", torch.bfloat16)
    save_weights(adapted(), tmp_path / "adapted", torch.bfloat16)
    plain, below = written(tmp_path / "plain"), written(tmp_path / "adapted")
    assert {weight.dtype for weight in plain.values()} == {torch.bfloat16}
    assert plain.keys() == below.keys()
    assert all(torch.equal(plain[name], below[name]) for name in plain)
    assert torch.equal(plain["model.embed_tokens.weight"], model.get_input_embeddings().weight.bfloat16())
