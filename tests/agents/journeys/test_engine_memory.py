"""Memory of a device that an engine shares with the learner, with stand-ins for both vLLM and the device: who has it when."""

from __future__ import annotations

import ast
import copy
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.algorithms.table import find_algorithm
from agents.batching.batch import Sample, Tag, collate
from agents.config.learner import LearnerConfig
from agents.core.errors import EngineFull
from agents.hardware import memory as device_memory
from agents.hardware.memory import MEMORY_TURN
from agents.learner.learner import Learner
from agents.models.adapters import with_lora
from agents.models.weights import weights_of
from agents.samplers.vllm.sampler import VllmSampler
from selfplay_envs import Reply
from tests.helpers.toys import build_model
from tests.helpers.vllm_engine import PROMPTS, SHORT, STAND_IN, weights_sum
from tests.helpers.waiting import PATIENCE_S, wait_for
from tests.helpers.weights import sync

GIB = 2**30


class Device:
    """The stand-in's files, and what happened on it in order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._changing = threading.Lock()
        self.learner_takes(0)

    def learner_takes(self, gib: float) -> None:
        with self._changing:
            self._set(int(gib * GIB))

    def empty_cache(self) -> None:
        """What the learner takes then is its weights and little else."""
        self.note("emptied")
        with self._changing:
            self._set(min(18 * GIB, int((self.folder / "learner").read_text())))

    def _set(self, size: int) -> None:
        """At once: an engine, or another thread, never reads half of it."""
        new = self.folder / "learner.new"
        new.write_text(str(size))
        new.replace(self.folder / "learner")

    def note(self, event: str) -> None:
        with (self.folder / "events").open("a") as file:
            file.write(f"{event}\n")

    def events(self) -> list[str]:
        """Since the last call."""
        path = self.folder / "events"
        events = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return events


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    """80 GiB, with an allocator whose cache the learner keeps until it is emptied."""
    monkeypatch.setenv("STAND_IN", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    (tmp_path / "device").write_text(str(80 * GIB))
    (tmp_path / "accelerator").touch()
    device = Device(tmp_path)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "empty_cache", device.empty_cache)
    return device


@pytest.fixture
def open_one(device: Device, tokenizer: PreTrainedTokenizerFast) -> Iterator[Callable[..., VllmSampler]]:
    opened: list[VllmSampler] = []

    def opening(model: PreTrainedModel, **options: object) -> VllmSampler:
        opened.append(VllmSampler(model, tokenizer, python=sys.executable, hang_s=PATIENCE_S, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield opening
    for sampler in opened:
        sampler.close()


def say(sampler: VllmSampler) -> Reply:
    [[reply]] = sampler.generate(PROMPTS, SHORT, [(0,)])
    return reply


def update(learner: Learner, device: Device) -> None:
    """A real one, at whose end the allocator holds on to 40 GiB."""
    reply = Reply(text="abc", prompt_ids=(3, 4), token_ids=(5, 6, 7), logprobs=(-3.0, -3.0, -3.0), policy_version=0)
    other = Reply(text="ab", prompt_ids=(3, 4), token_ids=(5, 6), logprobs=(-3.0, -3.0), policy_version=0)
    batch = collate([Sample(reply, 1.0, Tag(role="")), Sample(other, 0.0, Tag(role=""))])
    assert learner.update(batch, find_algorithm("reinforce"))["tokens"] == 5
    device.learner_takes(40)
    device.note("update")


def test_the_cache_is_emptied_between_an_update_and_the_engine(device: Device, open_one: Callable[..., VllmSampler]) -> None:
    learner = Learner(build_model())
    assert device.events() == ["emptied"]
    device.learner_takes(40)  # it was loaded in a wider type, say
    sampler = open_one(learner.model, sleep=True)
    sync(learner, sampler)
    say(sampler)
    assert device.events() == ["emptied", "start", "started"]
    for _ in range(2):
        sampler.release_memory()
        update(learner, device)
        sync(learner, sampler)
        assert say(sampler).logprobs[0] == pytest.approx(weights_sum(learner.model), abs=1e-4)
        assert device.events() == ["sleep 2", "update", "emptied", "wake weights", "read", "wake kv_cache"]
        say(sampler)
        assert device.events() == []
    assert sampler.stats.engine_restarts == 0


def test_weights_that_were_discarded_are_read_again_without_new_ones(
    device: Device, open_one: Callable[..., VllmSampler]
) -> None:
    model = build_model()
    sampler = open_one(model, sleep=True)
    sampler.release_memory()  # nobody is awake yet
    before = say(sampler)
    assert before.logprobs[0] == pytest.approx(weights_sum(model), abs=1e-4)
    sampler.release_memory()
    sampler.release_memory()
    assert say(sampler) == before
    assert device.events() == ["emptied", "start", "started", "sleep 2", "emptied", "wake weights", "read", "wake kv_cache"]


def test_weights_below_adapters_wait_in_main_memory(device: Device, open_one: Callable[..., VllmSampler]) -> None:
    model = with_lora(build_model(), LearnerConfig(lora_rank=3), ())
    sampler = open_one(model, sleep=True)
    first = say(sampler)
    device.events()
    sampler.release_memory()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if ".lora_B." in name:
                p.add_(0.5)
    sampler.load_weights(weights_of(model, 1))
    assert device.events() == ["sleep 1", "emptied", "wake weights", "wake kv_cache"]
    assert say(sampler).logprobs[0] > first.logprobs[0]
    assert say(sampler.with_adapter("base")).logprobs[0] == pytest.approx(weights_sum(build_model()), abs=1e-4)  # type: ignore[arg-type]


def test_an_engine_that_cannot_sleep_is_ended_for_the_update_and_one_notice_says_so(
    device: Device, open_one: Callable[..., VllmSampler], caplog: pytest.LogCaptureFixture
) -> None:
    model = build_model()
    sampler = open_one(model, sleep=True)
    sampler.tokenizer = copy.deepcopy(sampler.tokenizer)  # for which there was no notice yet
    (device.folder / "insomnia").touch()
    for _ in range(2):
        say(sampler)
        sampler.release_memory()
        assert sampler.engine_pid is None
    assert device.events() == ["emptied", "start", "started"] * 2
    [record] = caplog.records
    assert "vLLM could not sleep: RuntimeError: CUDA error: out of memory; it is ended and started anew" in record.message


def test_without_sleep_nothing_is_emptied_for_an_engine_that_runs(device: Device, open_one: Callable[..., VllmSampler]) -> None:
    model = build_model()
    sampler = open_one(model)
    say(sampler)
    device.events()
    sampler.release_memory()
    sampler.load_weights(weights_of(model, 1))
    say(sampler)
    assert device.events() == ["read"]


@pytest.mark.parametrize("call", ["generate", "load_weights"])
def test_an_engine_that_finds_no_room_as_it_wakes_says_what_would_fit_and_is_not_tried_again(
    device: Device, open_one: Callable[..., VllmSampler], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(torch.accelerator, "empty_cache", lambda: None)
    model = with_lora(build_model(), LearnerConfig(lora_rank=3), ())
    sampler = open_one(model, sleep=True)
    say(sampler)
    sampler.release_memory()
    device.learner_takes(50)
    device.events()
    sentence = r"to wake up it wants 56.0 GiB, and 30.0 of 80.0 GiB are free; lower vllm:gpu_memory_utilization to 0.36"
    with pytest.raises(EngineFull, match=sentence) as raised:
        say(sampler) if call == "generate" else sampler.load_weights(weights_of(model, 1))
    assert raised.value.options == {"gpu_memory_utilization": "0.36"}
    assert device.events() == ["wake weights", "wake kv_cache"]
    assert sampler.engine_pid is None
    with pytest.raises(EngineFull, match=r"to start it wants 56.0 GiB, and 30.0 of 80.0 GiB are free; .* to 0.36"):
        say(sampler)  # and so does a new one
    sampler.close()
    sampler = open_one(model, sleep=True, gpu_memory_utilization=0.36)
    for _ in range(2):  # the share that was named does fit
        say(sampler)
        sampler.release_memory()


def test_an_engine_that_dies_in_an_update_starts_anew_after_it(device: Device, open_one: Callable[..., VllmSampler]) -> None:
    learner = Learner(build_model())
    sampler = open_one(learner.model)
    before = say(sampler)
    (device.folder / "measure_on").touch()
    replies: list[Reply] = []
    lane = threading.Thread(target=lambda: replies.append(say(sampler)))
    calls = iter(range(3))

    def heed() -> None:
        if next(calls) == 1:  # the update is under way
            assert sampler.engine_pid is not None
            os.kill(sampler.engine_pid, signal.SIGKILL)
            device.learner_takes(30)
            lane.start()
            lane.join(1.0)  # enough to start, if it did not wait
            device.note("freed")
            device.learner_takes(10)
            (device.folder / "measure_on").unlink()

    learner.heed = heed
    device.events()
    update(learner, device)
    lane.join()
    assert replies == [before]
    assert [event for event in device.events() if event != "update"] == ["freed", "emptied", "start", "started"]


def test_an_engine_that_waits_for_an_update_is_not_started_for_a_sampler_that_is_closed_meanwhile(
    device: Device, open_one: Callable[..., VllmSampler]
) -> None:
    sampler = open_one(build_model())
    messages: list[str] = []

    def generate() -> None:
        with pytest.raises(ValueError, match="this VllmSampler is closed") as raised:
            say(sampler)
        messages.append(str(raised.value))

    lane, closing = threading.Thread(target=generate), threading.Thread(target=sampler.close)
    with MEMORY_TURN:
        lane.start()
        lane.join(0.5)  # enough to get as far as it can
        closing.start()
        closing.join(0.2)
    lane.join()
    closing.join()
    assert len(messages) == 1
    assert device.events() == []


def test_an_update_waits_for_an_engine_that_starts(device: Device, open_one: Callable[..., VllmSampler]) -> None:
    learner = Learner(build_model())
    sampler = open_one(learner.model)
    (device.folder / "measure_on").touch()
    lane = threading.Thread(target=lambda: say(sampler))
    device.events()
    lane.start()
    path = device.folder / "events"
    assert wait_for(lambda: path.exists() and "start\n" in path.read_text())
    learner.heed = lambda: device.note("heed")
    measured = threading.Timer(0.5, (device.folder / "measure_on").unlink)  # enough for a heed, if the update did not wait
    measured.start()
    update(learner, device)
    lane.join()
    events = device.events()
    assert events[:2] == ["emptied", "start"]
    assert events.count("heed") == 2
    assert events[-2:] == ["heed", "update"]  # the second is that of the gradient
    assert "started" in events[:-2]


def test_two_engines_at_once_are_given_the_same_names_and_have_their_own_weights(
    device: Device, open_one: Callable[..., VllmSampler]
) -> None:
    models = build_model(1), build_model(2)
    one, other = (open_one(model, gpu_memory_utilization=0.3) for model in models)
    settings = []
    for sampler, model in ((one, models[0]), (other, models[1]), (one, models[0])):
        assert say(sampler).logprobs[0] == pytest.approx(weights_sum(model), abs=1e-4)
        settings.append((device.folder / "settings").read_text())
        with torch.no_grad():
            next(model.parameters()).add_(0.25)
        sampler.load_weights(weights_of(model, 1))
        assert sampler.engine_pid is not None
        os.kill(sampler.engine_pid, signal.SIGKILL)  # the next one starts with weights that were written later
    assert len(set(settings)) == 1
    assert one.supervisor.files.folder != other.supervisor.files.folder


def test_the_share_follows_from_sleep(device: Device, open_one: Callable[..., VllmSampler]) -> None:
    shares = []
    for options in ({}, {"sleep": True}, {"gpu_memory_utilization": 0.25}, {"sleep": True, "gpu_memory_utilization": 0.25}):
        say(sampler := open_one(build_model(), **options))
        shares.append(ast.literal_eval((device.folder / "settings").read_text())["gpu_memory_utilization"])
        sampler.close()
    assert shares == [0.4, 0.7, 0.25, 0.25]


@pytest.mark.parametrize("own", ["", "expandable_segments:True", "max_split_size_mb:512"])
def test_the_engine_inherits_the_users_allocator_and_not_the_learners(
    device: Device, open_one: Callable[..., VllmSampler], monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    monkeypatch.setattr(device_memory, "_set_here", {})
    for name in device_memory.ALLOCATOR_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    if own:
        monkeypatch.setenv("PYTORCH_CUDA_ALLOC_CONF", own)
    else:
        monkeypatch.setenv("PYTORCH_ALLOC_CONF", "")  # so that it is put back
    device_memory.take_memory_in_segments("cuda:1")
    assert os.environ.get("PYTORCH_ALLOC_CONF") == (None if own else "expandable_segments:True")
    say(open_one(build_model()))
    inherited = ast.literal_eval((device.folder / "environment").read_text())
    assert inherited.get("PYTORCH_CUDA_ALLOC_CONF") == (own or None)
    assert "PYTORCH_ALLOC_CONF" not in inherited
    assert inherited["STAND_IN"] == str(device.folder)
