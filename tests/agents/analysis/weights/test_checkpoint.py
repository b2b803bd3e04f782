from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from agents.analysis.weights.checkpoint import TIED, Checkpoint, open_checkpoint
from agents.analysis.weights.pairing import pair
from agents.analysis.weights.sources import read_all
from agents.config.run import TrainConfig
from agents.core.errors import AgentError, ModelUnavailable
from agents.tiny.folder import TINY_MODEL
from tests.helpers.checkpoints import random_tensors, write_bin, write_safetensors


def same(one: Checkpoint, other: Checkpoint) -> bool:
    names = set(one.tensors)
    return names == set(other.tensors) and all(
        torch.equal(read_all(one.tensors[name]), read_all(other.tensors[name])) for name in names
    )


def test_shards_whole_files_and_both_formats_hold_the_same_bits(tmp_path: Path) -> None:
    tensors = {name: tensor.bfloat16() for name, tensor in random_tensors().items()}
    folders = [
        write(tmp_path / f"{write.__name__}-{shards}", tensors, shards)
        for write in (write_safetensors, write_bin)
        for shards in (1, 3)
    ]
    first, *others = (open_checkpoint(str(folder)) for folder in folders)
    assert set(first.tensors) == {name.removeprefix("model.") for name in tensors}
    assert all(same(first, other) for other in others)
    assert same(first, open_checkpoint(str(folders[0] / "model.safetensors")))
    assert same(first, open_checkpoint(str(folders[2] / "pytorch_model.bin")))


def test_what_transformers_saves_and_what_it_loads_are_the_same(tmp_path: Path, model: PreTrainedModel) -> None:
    model.save_pretrained(tmp_path, max_shard_size="8KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    found = open_checkpoint(str(tmp_path))
    weights = dict(model.named_parameters())
    assert {f"model.{name}" for name in found.tensors if not name.startswith("lm_head")} <= set(weights)
    for name, source in found.tensors.items():
        assert torch.equal(read_all(source), weights[name if name.startswith("lm_head") else f"model.{name}"].detach())


def test_names_and_a_run_of_this_program(tmp_path: Path, letters_run: TrainConfig) -> None:
    tiny = open_checkpoint("tiny")
    assert tiny.tied
    step = tmp_path / "run" / "checkpoints" / "step_000003"
    shutil.copytree(TINY_MODEL, step / "model", ignore=shutil.ignore_patterns("*.py", "*.jsonl", "__pycache__"))
    (step / "config.json").write_text(json.dumps(letters_run.to_json()))
    (step / "state.json").write_text('{"step": 3}')
    (tmp_path / "run" / "config.json").write_text(json.dumps(letters_run.to_json()))
    assert same(tiny, open_checkpoint(str(tmp_path / "run")))
    assert same(tiny, open_checkpoint(str(step)))
    assert same(tiny, open_checkpoint(str(step / "model" / "model.safetensors")))
    torch.save({"weights": {name: read_all(source) for name, source in tiny.tensors.items()}}, step / "learner.pt")
    assert same(tiny, open_checkpoint(str(step / "learner.pt")))


def test_a_head_that_is_the_embedding_is_left_out_and_said(tmp_path: Path) -> None:
    tensors = random_tensors()
    both = tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"]}
    same_bytes = open_checkpoint(str(write_bin(tmp_path / "a", both)))
    said = write_safetensors(tmp_path / "b", {name: tensor.clone() for name, tensor in both.items()})
    (said / "config.json").write_text(json.dumps({"tie_word_embeddings": True}))
    for found in (same_bytes, open_checkpoint(str(said))):
        assert found.tied
        assert found.others == {"lm_head.weight": TIED}
        assert "lm_head.weight" not in found.tensors
    own = open_checkpoint(str(write_safetensors(tmp_path / "c", tensors | {"lm_head.weight": torch.ones(11, 6)})))
    assert not own.tied
    assert "lm_head.weight" in own.tensors


@pytest.mark.parametrize(("config", "tied"), [({}, True), ({"tie_word_embeddings": False}, False)])
def test_a_head_that_is_not_there_is_tied_unless_the_config_says_no(
    tmp_path: Path, config: dict[str, bool], tied: bool
) -> None:
    write_safetensors(tmp_path, random_tensors())
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert open_checkpoint(str(tmp_path)).tied is tied


@pytest.mark.parametrize("write", [write_safetensors, write_bin])
def test_without_a_config_a_head_that_is_not_there_is_not_tied(
    tmp_path: Path, write: Callable[[Path, dict[str, Tensor]], Path]
) -> None:
    """Nobody says that it is: an untied model's head is listed as missing, not compared with the embedding."""
    file = next(iter(write(tmp_path / "a", random_tensors()).iterdir()))
    whole = random_tensors() | {"lm_head.weight": torch.ones(11, 6)}
    untied = open_checkpoint(str(write_safetensors(tmp_path / "b", whole)))
    for name in (str(file), str(file.parent)):
        found = open_checkpoint(name)
        assert not found.tied
        assert [one.name for one in pair([untied, found]).unmatched] == ["lm_head.weight"]


def test_a_layer_s_output_matrix_is_no_head(tmp_path: Path) -> None:
    name = "blocks.0.att.output.weight"
    folder = write_safetensors(tmp_path, {"embed_tokens.weight": torch.ones(3, 2), name: torch.ones(2, 2)})
    (folder / "config.json").write_text(json.dumps({"tie_word_embeddings": True}))
    found = open_checkpoint(str(folder))
    assert set(found.tensors) == {"embed_tokens.weight", name}
    assert found.others == {}


BAD_JSON = ["{", "[]", "null", '"text"', "[" * 200_000, "\udcff"]


@pytest.mark.parametrize("text", BAD_JSON)
def test_settings_that_are_no_object_are_one_sentence(tmp_path: Path, text: str) -> None:
    write_safetensors(tmp_path / "a", random_tensors())
    (tmp_path / "b").mkdir()
    places = [tmp_path / "a" / "config.json", tmp_path / "b" / "model.safetensors.index.json"]
    for path in places:
        path.write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(ValueError, match=rf"^{re.escape(str(path))} is no JSON object \(.*\); copy the file again\.$"):
            open_checkpoint(str(path.parent))


def test_a_part_of_a_config_that_is_no_object_says_nothing(tmp_path: Path) -> None:
    write_safetensors(tmp_path, random_tensors())
    (tmp_path / "config.json").write_text('{"text_config": [1]}')
    assert open_checkpoint(str(tmp_path)).tied


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        ({}, r"index\.json has no weight_map of the names of shards; copy the file again\.$"),
        ({"weight_map": {}}, r"has no weight_map of the names of shards"),
        ({"weight_map": ["x"]}, r"has no weight_map of the names of shards"),
        *(
            ({"weight_map": {"a": shard}}, r"index\.json names .* as a shard, and a shard is a file beside it; copy the file")
            for shard in (1, None, [], "", "..", "/etc/x.safetensors", "../x.safetensors", "a\\b", "a\0b")
        ),
    ],
)
def test_an_index_of_other_things_is_one_sentence(tmp_path: Path, index: dict[str, Any], wanted: str) -> None:
    write_safetensors(tmp_path, random_tensors())
    (tmp_path / "model.safetensors").rename(tmp_path.parent / "x.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=wanted):
        open_checkpoint(str(tmp_path))


def test_the_local_cache_is_looked_in_for_an_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "models--someone--model" / "snapshots" / "abc"
    write_safetensors(snapshot, random_tensors())
    refs = tmp_path / "models--someone--model" / "refs"
    refs.mkdir()
    (refs / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert len(open_checkpoint("someone/model").tensors) == len(random_tensors())


def test_what_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"^model='./gone' is neither a folder nor a file here; check the spelling\.$"):
        open_checkpoint("./gone")
    with pytest.raises(
        ModelUnavailable, match=r"nor a model in the local Hugging Face cache; .* download it: hf download no/where$"
    ):
        open_checkpoint("no/where")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(AgentError, match=r"holds no weights; pass a folder with model\.safetensors or pytorch_model\.bin"):
        open_checkpoint(str(tmp_path))


def test_a_missing_shard_is_one_sentence(tmp_path: Path) -> None:
    write_safetensors(tmp_path, random_tensors(), shards=3)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    wanted = r"lacks model-00002-of-00003\.safetensors, which its model\.safetensors\.index\.json names; copy all 3 shards\.$"
    with pytest.raises(ValueError, match=wanted):
        open_checkpoint(str(tmp_path))


def test_a_checkpoint_without_floats_is_one_sentence(tmp_path: Path) -> None:
    write_safetensors(tmp_path, {"a": torch.ones(2, dtype=torch.int8)})
    with pytest.raises(
        ValueError, match=r"holds no weights of float32, bfloat16, float16 or float64; pass another checkpoint\.$"
    ):
        open_checkpoint(str(tmp_path))
