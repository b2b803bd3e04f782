"""Samplers with the names of before: they work, and say once which names are new."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents import Agent
from agents.config.learner import LearnerConfig
from agents.config.sampling import Sampling
from agents.judges.self_judge import SelfJudge
from agents.models.adapters import with_lora
from agents.models.chat import Prompt
from agents.models.weights import weights_of
from agents.rollouts.collector import Collector
from agents.samplers.deprecated import RENAMED, with_current_names
from agents.samplers.registry import open_sampler
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Message, Referee, Reply, Start
from tests.helpers.toys import GAME, build_model

PROMPTS = [(Message("user", "a"),)]
SHORT = Sampling(max_new_tokens=3)
MODULE = """
from agents import TransformersSampler


class Loud(TransformersSampler):
    def __init__(self, model, tokenizer, *, max_rows: int = 1):
        super().__init__(model, tokenizer, max_rows=max_rows)
        self.calls = []

    def act(self, prompts, sampling, seeds):
        self.calls.append(len(prompts))
        return super().act(prompts, sampling, seeds)

    def receive(self, model, version):
        super().receive(model, version + 10)
"""


class Old:
    """A sampler of somebody's own, with nothing of this package in it."""

    def __init__(self) -> None:
        self.policy_version = 0
        self.counts: Counter[str] = Counter()
        self.rested = 0

    def act(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        return [[Reply(text="x", policy_version=self.policy_version) for _ in row] for row in seeds]

    def receive(self, model: PreTrainedModel, version: int) -> None:
        self.policy_version = version

    def rest(self) -> None:
        self.rested += 1

    def speaking_as(self, adapter: str) -> Old:
        return Old()

    def close(self) -> None:
        pass


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "old_sampler.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("old_sampler", None)


@contextmanager
def deprecations() -> Iterator[set[str]]:
    """The messages of all deprecations inside."""
    messages: set[str] = set()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield messages
    assert {warning.category for warning in caught} <= {DeprecationWarning}
    messages |= {str(warning.message) for warning in caught}


def test_a_sampler_with_old_names_gets_the_present_ones_wherever_it_comes_in(model: PreTrainedModel) -> None:
    entries: list[Callable[[Any], Any]] = [
        with_current_names,
        lambda sampler: Agent(sampler).sampler,
        lambda sampler: SelfJudge(sampler).sampler,
        lambda sampler: Collector(sampler, Referee("process"), SHORT).sampler,
        lambda sampler: Collector(ScriptedSampler([]), Referee("process"), SHORT, by_role={"solver": sampler}).by_role[
            "solver"
        ],
    ]
    for enter in entries:
        old = Old()
        with deprecations() as messages:
            sampler = enter(old)
            assert sampler is old
            assert [reply.text for reply in sampler.generate(PROMPTS, SHORT, [(1, 2)])[0]] == ["x", "x"]
            sampler.load_weights(weights_of(model, 4))
            assert sampler.policy_version == 4
            sampler.release_memory()
            assert sampler.rested == 1
            assert sampler.with_adapter("solver").generate(PROMPTS, SHORT, [(1,)])[0][0].text == "x"
        assert messages == {f"Old.{before} is deprecated; the name is now {now}." for before, now in RENAMED.items()}


def test_weights_from_another_process_need_the_present_name(model: PreTrainedModel) -> None:
    with deprecations():
        sampler: Any = with_current_names(Old())
    with pytest.raises(ValueError, match=r"Old.receive\(model, version\) takes weights of this process only"):
        sampler.load_weights(weights_of(model, 1).shipped())


def test_a_class_derived_from_a_sampler_of_this_package_keeps_its_old_methods(
    module: None, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    expected = TransformersSampler(model, tokenizer).generate(PROMPTS, SHORT, [(1, 2)])
    with deprecations() as messages:
        sampler: Any = open_sampler("old_sampler:Loud", model, tokenizer)
        assert sampler.generate(PROMPTS, SHORT, [(1, 2)]) == expected
        sampler.load_weights(weights_of(model, 1))
    assert sampler.policy_version == 11
    assert sampler.calls == [1]
    assert messages == {
        "Loud.act is deprecated; the name is now generate.",
        "Loud.receive is deprecated; the name is now load_weights.",
    }


def test_so_it_does_with_an_adapter(module: None, tokenizer: PreTrainedTokenizerFast) -> None:
    model = with_lora(build_model(), LearnerConfig(lora_rank=2))
    with deprecations():
        sampler: Any = open_sampler("old_sampler:Loud", model, tokenizer)
        sampler.with_adapter("default").generate(PROMPTS, SHORT, [(1,)])
    assert sampler.calls == [1]


def test_old_names_of_our_samplers_go_on_to_work_with_a_warning(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    sampler = TransformersSampler(model, tokenizer)
    expected = sampler.generate(PROMPTS, SHORT, [(1,)])
    with deprecations() as messages:
        assert sampler.act(PROMPTS, SHORT, [(1,)]) == expected
        sampler.receive(model, 3)
        assert sampler.policy_version == 3
        sampler.rest()
        assert sampler.speaking_as("default").parent is sampler
        assert sampler.counts["reply_tokens"] == sampler.stats.reply_tokens > 0
    renamed = {**RENAMED, "counts": "stats"}
    assert messages == {f"TransformersSampler.{old} is deprecated; the name is now {new}." for old, new in renamed.items()}


def test_samplers_with_the_present_names_stay_as_they_are(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    with deprecations() as messages:
        for sampler in (TransformersSampler(model, tokenizer), ScriptedSampler([]), ScriptedSampler([]).with_adapter("x")):
            before = dict(vars(sampler))
            assert with_current_names(sampler) is sampler
            assert vars(sampler) == before
    assert messages == set()


def test_a_class_with_both_names_is_called_by_the_present_ones() -> None:
    class Both(ScriptedSampler):
        """Runs with this version and with older ones."""

        def generate(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
            return "generated"

        def act(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
            return self.generate(prompts, sampling, seeds)

    with deprecations() as messages:
        assert with_current_names(Both([])).generate(PROMPTS, SHORT, [(1,)]) == "generated"
    assert messages == set()


class Slotted:
    """Takes no attributes but its own."""

    __slots__ = ("policy_version",)

    def __init__(self) -> None:
        self.policy_version = 0

    def act(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
        return [[Reply(text="x", policy_version=self.policy_version) for _ in row] for row in seeds]

    def receive(self, model: Any, version: int) -> None:
        self.policy_version = version

    def speaking_as(self, adapter: str) -> Slotted:
        return Slotted()


@dataclass(frozen=True)
class Frozen:
    """Takes no attributes at all."""

    text: str = "x"
    policy_version: int = 0

    def act(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
        return [[Reply(text=self.text) for _ in row] for row in seeds]


def test_a_sampler_that_takes_no_attributes_is_stood_for(model: PreTrainedModel) -> None:
    slotted, frozen = Slotted(), Frozen()
    with deprecations():
        sampler: Any = with_current_names(slotted)
        assert with_current_names(sampler) is sampler
        sampler.load_weights(weights_of(model, 4))
        assert slotted.policy_version == sampler.policy_version == 4
        sampler.policy_version = 5
        assert slotted.policy_version == 5
        assert sampler.generate(PROMPTS, SHORT, [(1,)])[0][0].policy_version == 5
        assert sampler.with_adapter("solver").generate(PROMPTS, SHORT, [(1,)])[0][0].text == "x"
        assert not hasattr(sampler, "submit")
        sampler = with_current_names(frozen)
        assert (sampler.text, sampler.generate(PROMPTS, SHORT, [(1,)])[0][0].text) == ("x", "x")


def test_one_that_is_stood_for_is_called_once_a_round_whatever_its_roles() -> None:
    calls: list[int] = []

    class Counting(Slotted):
        __slots__ = ()

        def act(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
            calls.append(len(prompts))
            return super().act(prompts, sampling, seeds)

    sampler: Any = Counting()
    with deprecations():
        collector = Collector(sampler, Referee("process"), SHORT, by_role={"solver": sampler, "first": sampler})
        collector.collect([Start(GAME, 0), Start("SelfPlay/KuhnPoker-v0", 0)], (0,))
    assert calls[0] == 2


def test_counts_of_a_derived_class_are_kept_beside_the_totals() -> None:
    class Counting(ScriptedSampler):
        def __init__(self) -> None:
            super().__init__(lambda prompt, seed: "ab")
            self.counts = Counter()

        def act(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
            self.counts["calls"] += 1
            self.counts.update(prompts=len(prompts))
            self.counts["engine_restarts"] += 2
            self.stats.add(reply_tokens=3)
            return super().act(prompts, sampling, seeds)

    with deprecations():
        sampler, other = with_current_names(Counting()), Counting()
        for _ in range(2):
            sampler.generate(PROMPTS, SHORT, [(1,)])
        assert sampler.counts["calls"] == sampler.counts["prompts"] == 2
        assert sampler.counts["engine_restarts"] == sampler.stats.engine_restarts == 4
        assert sampler.counts["reply_tokens"] == sampler.stats.reply_tokens == 6
        assert other.counts["calls"] == 0
        sampler.counts = Counter(calls=7)
        assert (sampler.counts["calls"], sampler.counts["prompts"], sampler.stats.reply_tokens) == (7, 0, 0)


def test_a_class_for_both_versions_may_call_either_from_the_other(model: PreTrainedModel) -> None:
    class Both(ScriptedSampler):
        """`generate` is `act`, and `act` is that of the class below it; so are the others."""

        def generate(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
            return self.act(prompts, sampling, seeds)

        def act(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
            return super().act(prompts, sampling, seeds)

        def load_weights(self, weights: Any) -> None:
            self.receive(weights.model, weights.version)

        def receive(self, model: Any, version: int) -> None:
            super().receive(model, version + 10)

        def release_memory(self) -> None:
            self.rest()

        def rest(self) -> None:
            super().rest()

        def with_adapter(self, adapter: str) -> Any:
            return self.speaking_as(adapter)

        def speaking_as(self, adapter: str) -> Any:
            return super().speaking_as(adapter)

    with deprecations():
        sampler = with_current_names(Both(lambda prompt, seed: "ab"))
        for method in (sampler.generate, sampler.act, sampler.with_adapter("solver").generate):
            assert method(PROMPTS, SHORT, [(1,)])[0][0].text == "ab"
        sampler.load_weights(weights_of(model, 1))
        sampler.release_memory()
    assert sampler.policy_version == 11


def test_an_old_method_calls_what_lies_behind_the_class_that_defines_it() -> None:
    class Upper(ScriptedSampler):
        def generate(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
            return ["upper", super().generate(prompts, sampling, seeds)[0][0].text]

    class Lower(Upper):
        def act(self, prompts: Any, sampling: Any, seeds: Any) -> Any:
            return ["lower", *super().act(prompts, sampling, seeds)]

    with deprecations():
        sampler: Any = with_current_names(Lower(lambda prompt, seed: "ab"))
        assert sampler.generate(PROMPTS, SHORT, [(1,)]) == ["lower", "upper", "ab"]
