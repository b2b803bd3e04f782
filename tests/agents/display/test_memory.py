"""`selfplay doctor` of a run: the memory it needs, read in 80 columns; and what `selfplay train` says before it loads."""

import socket
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.cli.main import main
from agents.config.presets import PRESETS
from agents.core.errors import RunStopped

GIB = 1 << 30


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("SELFPLAY_TRACEBACK", raising=False)


def shown(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert main(["doctor", *args]) == 0
    return capsys.readouterr().out


def with_gpu(monkeypatch: pytest.MonkeyPatch, gib: float) -> None:
    class Properties:
        total_memory = int(gib * GIB)

    monkeypatch.setattr("agents.hardware.memory.take_memory_in_segments", lambda device: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_the_memory_of_every_preset_is_told_without_network_and_within_80_columns(
    preset: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the network is asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # as it is where no test runs
    text = shown(capsys, "--preset", preset)
    assert text.startswith(f"{preset}: ")
    assert max(map(len, text.splitlines())) <= 80
    for word in ("weights", "Adam", "resting", "updating", "24 GB", "141 GB", "Main memory: about", "Disk: "):
        assert word in text
    assert not list(Path().iterdir())  # nothing is begun


def rows(text: str) -> dict[str, list[str]]:
    """The rows of both tables, by their first word or, of cards, by their size."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return {" ".join(row[:2]) if row[1:2] == ["GB"] else row[0]: row for row in lines}


def test_the_tables_say_what_is_planned(capsys: pytest.CaptureFixture[str]):
    table = rows(shown(capsys, "--preset", "azr-8b"))
    names = ("weights", "masters", "Adam", "resting", "kept", "updating")
    assert [table[name][1] for name in names] == ["15.3", "0.3", "0.7", "17.1", "4.5", "27.1"]
    assert "copies" not in table  # nothing is copied, and 0 is not said
    assert table["80 GB"][2:] == ["79.1", "55.4", "257,648", "0.70", "72.4", "29.6", "yes"]
    assert table["24 GB"][-1] == "no"
    full = rows(shown(capsys, "--preset=lsp-3b", "--learner.lora-rank", "0"))
    assert [full[name][1] for name in ("masters", "Adam", "copies", "resting")] == ["12.0", "23.9", "6.0", "48.6"]


def test_a_reward_model_is_counted_awake_and_asleep(capsys: pytest.CaptureFixture[str]):
    judge = "reward-model:id=Skywork/Skywork-Reward-V2-Llama-3.2-3B"
    for text, rests in ((judge, "6.0 GiB"), (f"{judge},sleep=1", "none")):
        said = " ".join(shown(capsys, "--preset", "lsp-3b", "--judge", text).split())
        assert f"The reward model takes about 6.9 GiB while it is asked, {rests} while the learner updates." in said
    assert "The reward model" not in shown(capsys, "--preset", "lsp-3b", "--judge", "rules")


def test_a_run_that_does_not_fit_gets_what_to_type(capsys: pytest.CaptureFixture[str]):
    text = " ".join(shown(capsys, "--preset", "azr-8b").replace("\\\n", "").split())
    assert "On a card of 48 GB it does not fit. Added to `selfplay train`, these make it fit (41.4 GiB playing" in text
    assert "--sampler vllm:dtype=bfloat16,max_model_len=14240,sleep=1,gpu_memory_utilization=0.55" in text
    assert "On a card of 80 GB" not in text


def test_files_and_options_of_train_are_taken(capsys: pytest.CaptureFixture[str]):
    Path("mine.toml").write_text('model = "smollm2"\n[learner]\nlora_rank = 16\n')
    text = shown(capsys, "--preset", "azr-tiny", "--config", "mine.toml", "--learner.micro-batch-tokens", "2048")
    assert text.startswith("azr-tiny: smollm2, 0.13 billion weights, float32; rank-16 adapters train")
    assert "2,048 positions" in text
    Path("whole.toml").write_text('model = "tiny"\n[[games]]\nenv_id = "SelfPlay/KuhnPoker-v0"\n')
    assert shown(capsys, "--config", "whole.toml").startswith("whole: tiny, 0.9 million weights")


def test_the_card_of_this_machine_stands_first(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    with_gpu(monkeypatch, 31.5)
    text = shown(capsys, "--preset", "azr-8b")
    assert rows(text)["here"][1] == "31.5"
    assert "On the card here it does not fit" in text
    assert "here" not in rows(shown(capsys, "--preset", "azr-8b", "--device", "cpu"))


def test_what_cannot_be_planned_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    for args, sentence in (
        (("--preset",), "--preset names nothing"),
        (("--preset", "azr-9b"), "preset='azr-9b' is not known; did you mean 'azr-8b'?"),
        (("--preset", "azr-8b", "--model", "a/b"), "model='a/b': its sizes are not known"),
        (("--preset", "azr-8b", "--sampler", "vlm"), "did you mean 'vllm'?"),
        (("--preset", "azr-8b", "--sampler", "vllm:dtype=bf16"), "dtype='bf16' is not known"),
        (("--preset", "azr-8b", "--sampler", "vllm:gpu_memory_utilization=-0.2"), "is no share from 0 to 1"),
        (("azr-8b",), "type: selfplay doctor --preset azr-8b"),
    ):
        assert main(["doctor", *args]) == 2
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1


def test_the_help_names_the_presets_and_the_plain_verb_stays(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--preset", "azr-8b", "--help"])
    assert ended.value.code == 0
    assert "--preset" in capsys.readouterr().out


def test_train_says_before_it_loads_that_a_card_is_far_too_small(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def stop(*_: Any, **__: Any) -> None:
        raise RunStopped("here a model would be loaded")

    monkeypatch.setattr(import_module("agents.training.loop"), "train", stop)
    with_gpu(monkeypatch, 0.5)
    assert main(["train", "azr-tiny", "--sandbox", "process"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "About 1.7 GiB of GPU memory are needed and 0.5 are here, so this run is going to fail" in text
    assert text.index("GiB of GPU memory") < text.index("selfplay train azr-tiny into")
    with_gpu(monkeypatch, 22.0)
    main(["train", "azr-tiny", "--sandbox", "process"])
    assert "GPU memory" not in capsys.readouterr().out
