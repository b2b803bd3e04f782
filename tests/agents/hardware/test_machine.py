from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from agents.config.run import TrainConfig
from agents.config.short_cuts import ShortCuts, short_cuts_of
from agents.core.errors import CheckpointError
from agents.hardware import machine, trials
from agents.hardware.machine import processor_name, use_short_cuts
from agents.kernels.cpu_attention import SHORT_FLOAT32
from agents.kernels.cpu_matmul import BlockLinear, CpuLinear
from agents.learner.learner import Learner
from agents.models.loading import load_model
from agents.training.loop import train
from tests.helpers.toys import build_model

TRIALS = ("onednn", "blocks", "attention", "tables", "threads", "workers")


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every trial that ran; each way is 1.5 times as fast. The process has two cores, and nobody chose its threads."""
    names: list[str] = []

    def trial(name: str) -> Callable[..., float]:
        return lambda *args: (names.append(name), 1.5)[1]

    for name in TRIALS:
        monkeypatch.setattr(trials, f"try_{name}", trial(name))
    monkeypatch.setattr(machine, "_tried", {})
    monkeypatch.setattr(machine, "cores", lambda: 2)
    monkeypatch.setattr(machine, "_threads_at_first", torch.get_num_threads())
    monkeypatch.delenv("OMP_NUM_THREADS")
    return names


def answers(monkeypatch: pytest.MonkeyPatch, **ratios: float) -> None:
    for name, ratio in ratios.items():
        monkeypatch.setattr(trials, f"try_{name}", lambda *args, ratio=ratio: ratio)


def test_what_is_clearly_faster_is_taken_and_tried_once(tried: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = build_model(), build_model()
    chosen = use_short_cuts(one)
    assert tried == ["workers", "onednn", "blocks", "attention", "tables"]  # a small model has one thread untried
    assert chosen.short_cuts == ShortCuts(onednn=True, blocks=True, attention=True, tables=True, threads=1, workers=2)
    assert chosen.ratios == dict.fromkeys(tried, 1.5)
    assert use_short_cuts(other) == chosen
    assert len(tried) == 5
    answers(monkeypatch, workers=0.95, onednn=1.05, attention=1.2, tables=0.7)
    monkeypatch.setattr(machine, "_tried", {})
    chosen = use_short_cuts(build_model())
    # beside busy processes workers win nothing, and lose nothing; without oneDNN there are no blocks to try
    assert chosen.short_cuts == ShortCuts(attention=True, threads=1, workers=2)
    assert chosen.ratios == {"workers": 0.95, "onednn": 1.05, "attention": 1.2, "tables": 0.7}
    answers(monkeypatch, workers=0.7)
    monkeypatch.setattr(machine, "_tried", {})
    assert use_short_cuts(build_model()).short_cuts.workers == 1


def test_a_large_model_shares_its_operations_among_threads_where_that_is_faster(
    tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "SMALL_MODEL", 10)
    monkeypatch.setattr(machine, "_threads_at_first", 2)
    numbers = [2]  # of threads, the last being that of now
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    monkeypatch.setattr(torch, "get_num_threads", lambda: numbers[-1])
    assert use_short_cuts(build_model()).short_cuts == ShortCuts(
        onednn=True, blocks=True, attention=True, tables=True, threads=2, workers=1
    )
    answers(monkeypatch, threads=1.0)
    monkeypatch.setattr(machine, "_tried", {})
    assert use_short_cuts(build_model()).short_cuts.threads == 1
    assert numbers == [2, 1]


def test_what_is_forced_is_not_tried(tried: list[str]) -> None:
    chosen = use_short_cuts(build_model(), "onednn=0,workers=3,attention=0,tables=1,threads=1")
    assert chosen.short_cuts == ShortCuts(tables=True, threads=1, workers=3)
    assert use_short_cuts(build_model(), "none").short_cuts == ShortCuts(threads=1)  # as torch has them here
    assert tried == []
    assert use_short_cuts(build_model(), "onednn=1").short_cuts.onednn
    assert tried == ["workers", "blocks", "attention", "tables"]


def test_threads_that_the_user_chose_are_kept_and_written_down(tried: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert use_short_cuts(build_model()).short_cuts.threads == 1
    assert "workers" not in tried  # who asks for one thread gets one
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(machine, "_threads_at_first", 8)  # torch had 8, and has 1 now: somebody called set_num_threads
    monkeypatch.setattr(machine, "_threads_set_here", None)
    chosen = use_short_cuts(build_model())
    assert (chosen.short_cuts.threads, chosen.short_cuts.workers) == (1, 1)
    assert "workers" not in tried
    monkeypatch.setattr(machine, "_threads_set_here", 1)  # it was us
    assert use_short_cuts(build_model()).short_cuts.workers == 2


def test_trials_leave_torch_s_random_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_tried", {})
    torch.manual_seed(3)
    use_short_cuts(build_model())
    drawn = torch.rand(3)
    torch.manual_seed(3)
    build_model()
    assert torch.equal(drawn, torch.rand(3))


def test_choices_are_what_the_model_does() -> None:
    model = build_model()
    plain = copy.deepcopy(model)
    use_short_cuts(model, "onednn=1,blocks=1,attention=1,tables=1,threads=1,workers=2")
    assert {type(one) for one in model.modules() if isinstance(one, nn.Linear)} == {BlockLinear}
    assert model.config._attn_implementation == SHORT_FLOAT32
    assert short_cuts_of(copy.deepcopy(model)).workers == Learner(model).scorer.workers == 2
    use_short_cuts(model, "none")
    assert {type(one) for one in model.modules() if isinstance(one, nn.Linear)} == {nn.Linear}
    assert model.config._attn_implementation == "sdpa"
    use_short_cuts(plain, "onednn=1,blocks=0,attention=0,tables=0,threads=1,workers=1")
    assert {type(one) for one in plain.modules() if isinstance(one, nn.Linear)} == {CpuLinear}
    untouched = build_model()
    assert {type(one) for one in untouched.modules() if isinstance(one, nn.Linear)} == {nn.Linear}
    assert Learner(untouched).scorer.workers == 1


def test_a_run_keeps_its_choices_and_goes_on_with_them(
    letters_run: TrainConfig, tmp_path: Path, tried: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(letters_run, short_cuts="auto", steps=2)
    train(config, tmp_path / "run")
    kept = json.loads((tmp_path / "run" / "machine.json").read_text())
    assert kept["short_cuts"] == "onednn=1,blocks=1,attention=1,tables=1,threads=1,workers=2"
    assert kept["faster_by"] == dict.fromkeys(tried, 1.5)
    assert kept["processor"] == processor_name()
    answers(monkeypatch, workers=0.1, onednn=0.1, attention=0.1, tables=0.1)  # another process, or another machine
    monkeypatch.setattr(machine, "_tried", {})
    took: list[ShortCuts] = []
    real = machine._take
    monkeypatch.setattr(machine, "_take", lambda model, chosen: (took.append(chosen), real(model, chosen))[1])
    train(replace(config, steps=3), tmp_path / "run")
    assert {chosen.text for chosen in took} == {kept["short_cuts"]}
    assert json.loads((tmp_path / "run" / "machine.json").read_text()) == kept
    with pytest.raises(CheckpointError, match="another short_cuts"):
        train(replace(config, steps=3, short_cuts="none"), tmp_path / "run")


def test_the_bits_of_a_run_are_those_of_its_seed_and_choices(letters_run: TrainConfig, tmp_path: Path) -> None:
    forced = "onednn=0,blocks=0,attention=0,tables=0,threads=1,workers=2"
    config = replace(letters_run, short_cuts=forced, learner=replace(letters_run.learner, micro_batch_tokens=64))
    last = {name: train(config, tmp_path / name) for name in ("whole", "again")}
    train(replace(config, steps=4), tmp_path / "parts")
    last["parts"] = train(config, tmp_path / "parts")
    weights = [(path / "model" / "model.safetensors").read_bytes() for path in last.values()]
    rows = [(tmp_path / name / "metrics.jsonl").read_bytes() for name in last]
    assert weights[0] == weights[1] == weights[2]
    assert rows[0] == rows[1] == rows[2]


def test_the_processor_has_a_name_and_a_number_of_cores() -> None:
    assert processor_name().endswith(("core", "cores"))
    assert len(processor_name()) > 10


def test_load_model_refuses_a_wrong_setting_before_it_reads_anything() -> None:
    with pytest.raises(ValueError, match="short_cuts='fast'"):
        load_model("nobody/no-such-model", short_cuts="fast")


def test_other_devices_take_nothing(tried: list[str]) -> None:
    model: PreTrainedModel = build_model().to("meta")  # type: ignore[call-overload]
    assert use_short_cuts(model).short_cuts == ShortCuts()
    assert tried == []
