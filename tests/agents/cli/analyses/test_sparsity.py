"""`selfplay analyze sparsity` at 80 columns, its files, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from agents.cli.main import main
from agents.config.learner import LearnerConfig
from agents.config.run import TrainConfig
from tests.helpers.adapter_run import learner_with_two_adapters, write_adapter_run
from tests.helpers.checkpoints import random_tensors, write_bin, write_safetensors
from tests.helpers.program import refused


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """A start in the working folder, and two ends whose masks of changes are known."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    start = random_tensors()
    write_safetensors(Path("start"), start, shards=2)
    for name, every, write in (("a", 2, write_safetensors), ("b", 3, write_bin)):
        end = {key: tensor.clone() for key, tensor in start.items()}
        for tensor in end.values():
            tensor.view(-1)[::every] *= 1.5
        write(Path(name), end)
    return "start", "a", "b"


def test_all_questions_at_once(folders: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    start, a, b = folders
    options = ["--overlap", b, "--rank", "--trajectory", a, "--other-trajectory", b, a, "--sizes", "0.1", "1e-9"]
    assert main(["analyze", "sparsity", start, a, *options, "--json", "x.json", "--plot", "x.png"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for words in (
        "start (float32) -> a (float32): 324 weights in 8 tensors.",
        "Unchanged weights in percent: |end - start| <= tolerance",
        "by type of matrix",
        "by layer",
        "below RMS/10",
        "end's run: size of the update",
        "at equal size of the update",
        "had the same update been of that size",
        "Changed weights in percent, a and b (other), in bfloat16",
        "Rank of the update in percent of full rank",
    ):
        assert words in shown, words
    record = json.loads(Path("x.json").read_text())
    total = sum(tensor.numel() for tensor in random_tensors().values())
    changed = sum(-(-tensor.numel() // 2) for tensor in random_tensors().values())
    assert record["whole"]["float32"][0] == record["whole"]["bfloat16"][0] == 1 - changed / total
    assert record["overlap"]["whole"]["changed_both"] == sum(-(-tensor.numel() // 6) for tensor in random_tensors().values())
    assert record["scaled"][1] == {"name": "a", "rms": 1e-9, "unchanged": 1.0}
    assert set(record["trajectories"]) == {"end's run", "other run"}
    assert record["at_equal_size"][0]["unchanged"]["end's run"] == record["whole"]["bfloat16"][0]
    assert [one["full"] if "full" in one else min(one["shape"]) for one in record["rank"]["measured"]] == [6] * 5
    assert Path("x.png").stat().st_size > 10_000


def test_the_same_command_gives_the_same_file(folders: tuple[str, str, str]) -> None:
    for name in ("one.json", "two.json"):
        assert main(["analyze", "sparsity", *folders[:2], "--rank", "--json", name]) == 0
    assert Path("one.json").read_text() == Path("two.json").read_text()


def test_what_is_not_compared_is_said(folders: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    more = random_tensors() | {f"extra.{place}.weight": torch.ones(1) for place in range(7)}
    write_safetensors(Path("more"), more)
    assert main(["analyze", "sparsity", "start", "more"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Not compared: extra.0.weight (only in more);" in shown
    assert "and 2 more, all of them in the file of --json." in shown


def test_trajectories_without_a_common_size_are_said(folders: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "sparsity", "start", "a", "--trajectory", "a", "--other-trajectory", "b"]) == 0
    assert "have no size of the update in common" in capsys.readouterr().out


def test_matrices_that_are_left_out_are_said(folders: tuple[str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "sparsity", "start", "a", "--rank", "--rank-matrices", "2"]) == 0
    assert "3 of 5 matrices were left out; more with --rank-matrices." in capsys.readouterr().out
    assert main(["analyze", "sparsity", "start", "a", "--rank", "--rank-side", "5"]) == 0
    assert "5 of 5 matrices were left out, 5 of them too large (--rank-side)" in " ".join(capsys.readouterr().out.split())


def test_experts_stored_as_one_are_said_to_have_no_rank(
    folders: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "model.layers.0.mlp.experts.down_proj"
    for place, scale in (("old", 1), ("new", 2)):
        write_safetensors(Path(place), random_tensors(scale) | {name: scale * torch.ones(3, 2, 2)})
    assert main(["analyze", "sparsity", "old", "new", "--rank"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "Tensors of more than two dimensions are no matrices and were not measured: 1, such as layers.0.mlp.experts.down_proj."
        in shown
    )


@pytest.mark.parametrize("named", ["run", "run/checkpoints/step_000003", "run/checkpoints/step_000003/model"])
def test_of_a_run_with_an_adapter_per_role_it_is_said_whose_is_compared(
    folders: tuple[str, str, str],
    letters_run: TrainConfig,
    tokenizer: PreTrainedTokenizerFast,
    capsys: pytest.CaptureFixture[str],
    named: str,
) -> None:
    config = replace(letters_run, learner=LearnerConfig(lora_rank=2, adapters="per-role"))
    write_adapter_run(Path("run"), config, learner_with_two_adapters(config), tokenizer)
    other = "run/checkpoints/step_000003/adapters/proposer"
    assert main(["analyze", "sparsity", config.model, named]) == 0
    said = f"{named} is a run with an adapter per role, and the solver's is compared; for another role pass {other}."
    assert said in " ".join(capsys.readouterr().out.split())
    assert main(["analyze", "sparsity", config.model, other]) == 0
    assert "adapter per role" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["start"], "checkpoints: 1 are named; type START END, as in tiny runs/azr-tiny."),
        (["start", "a", "b"], "checkpoints: 3 are named; type START END"),
        (["start", "./gone"], "model='./gone' is neither a folder nor a file here; check the spelling."),
        (["start", "a", "--json", "no/x.json"], "json='no/x.json' cannot be written"),
        (["start", "a", "--plot", "x.jpeg"], "plot='x.jpeg' must end in .png."),
        (["start", "a", "--tolerances", "0", "-1"], "tolerances=-1.0 must be 0 or more"),
        (["start", "a", "--overlap-tolerance", "nan"], "overlap_tolerance=nan must be 0 or more"),
        (["start", "a", "--sizes", "0"], "sizes=0.0 must be above 0"),
        (["start", "a", "--rank-matrices", "0"], "rank_matrices=0 must be at least 1."),
        (["start", "a", "--other-trajectory", "b"], "other_trajectory has nothing beside it"),
        (["start", "tiny"], "no weight of 'start' has name and shape of one of 'tiny'"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    folders: tuple[str, str, str], capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert sentence in refused(capsys, "analyze", "sparsity", *arguments)
