from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import Any

import pytest

from agents.config.sampling import Sampling
from agents.models.chat import Prompt
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.submit import submit
from selfplay_envs import Message
from tests.helpers.waiting import PATIENCE_S

PROMPTS = [(Message("user", "a"),), (Message("user", "b"),)]
SEEDS = [(1, 2), (3,)]


def test_a_sampler_that_blocks_is_waited_for_elsewhere() -> None:
    gate = threading.Event()

    def answer(prompt: Prompt, seed: int) -> str:
        assert gate.wait(PATIENCE_S)
        return f"{prompt[0].content}{seed}"

    future = submit(ScriptedSampler(answer), PROMPTS, Sampling(), SEEDS)
    assert not wait([future], 0.1).done
    gate.set()
    assert [[reply.text for reply in replies] for replies in future.result(PATIENCE_S)] == [["a1", "a2"], ["b3"]]


def test_an_error_of_generate_is_that_of_the_future() -> None:
    future = submit(ScriptedSampler([]), PROMPTS, Sampling(), SEEDS)
    with pytest.raises(ValueError, match="the script is over"):
        future.result(PATIENCE_S)


def test_a_sampler_with_old_names_is_called_by_them() -> None:
    class Old:
        def act(self, prompts: Any, sampling: Sampling, seeds: Any) -> Any:
            return [list(row) for row in seeds]

    old: Any = Old()
    with pytest.warns(DeprecationWarning, match="Old.act is deprecated"):
        future = submit(old, PROMPTS, Sampling(), SEEDS)
    assert future.result(PATIENCE_S) == [[1, 2], [3]]


def test_a_sampler_with_submit_of_its_own_is_given_the_call() -> None:
    class Elsewhere(ScriptedSampler):
        def submit(self, *call: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(call)
            return future

    sampling = Sampling()
    assert submit(Elsewhere([]), PROMPTS, sampling, SEEDS).result() == (PROMPTS, sampling, SEEDS)
