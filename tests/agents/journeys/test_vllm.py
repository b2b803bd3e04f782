"""The sampler on a real vLLM: the learner's own numbers, new weights, adapters, deaths. `.ci/vllm` runs these tests.

They are skipped where vLLM is not installed, unless SELFPLAY_REQUIRE_VLLM says that it must be; SELFPLAY_VLLM_PYTHON names
another interpreter that has it.
"""

from __future__ import annotations

import copy
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerBase

from agents.algorithms.table import find_algorithm
from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.config.learner import LearnerConfig
from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.core.errors import SyncError
from agents.learner.learner import Learner
from agents.models.adapters import BASE
from agents.models.chat import end_ids
from agents.models.loading import load_model
from agents.runs.events import Event
from agents.runs.rows import read_rows
from agents.samplers.transformers import TransformersSampler
from agents.samplers.vllm.sampler import VllmSampler
from agents.training import assembly
from agents.training.loop import train
from agents.training.weight_sync import SyncCheck
from selfplay_envs import Message, Reply
from tests.helpers.weights import sync

PYTHON = os.environ.get("SELFPLAY_VLLM_PYTHON", "")
pytestmark = pytest.mark.skipif(
    not PYTHON and find_spec("vllm") is None and not os.environ.get("SELFPLAY_REQUIRE_VLLM"),
    reason="vLLM is not installed; .ci/vllm makes an environment for these tests",
)
LONG = "Which of these numbers is the largest, and why? " * 6  # several blocks of the prefix cache
PROMPTS = [(Message("user", text),) for text in ("a", "say 12 + 7", LONG)]
SEEDS = [(1, 2, 3), (4,), (5, 6, 7)]
SHORT = Sampling(max_new_tokens=16)
CLOSE = 2e-4
"""Nats, in float32."""


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load_model("tiny")[1]


@pytest.fixture(scope="module")
def plain(tokenizer: PreTrainedTokenizerBase) -> Iterator[tuple[Learner, VllmSampler]]:
    """All weights train."""
    learner = Learner(load_model("tiny", device="cpu")[0])
    sampler = VllmSampler(learner.model, tokenizer, python=PYTHON, max_rows=64)
    yield learner, sampler
    sampler.close()


@pytest.fixture(scope="module")
def adapters(tokenizer: PreTrainedTokenizerBase) -> Iterator[tuple[Learner, VllmSampler]]:
    """One adapter for each of two roles."""
    config = LearnerConfig(lora_rank=4, adapters="per-role")
    learner = Learner(load_model("tiny", device="cpu")[0], config, roles=("proposer", "solver"))
    sampler = VllmSampler(learner.model, tokenizer, python=PYTHON, max_rows=64)
    yield learner, sampler
    sampler.close()


def batch_of(replies: Sequence[Sequence[Reply]], role: str = "") -> TokenBatch:
    return collate([Sample(reply, float(len(reply.token_ids) % 3), Tag(role=role)) for own in replies for reply in own])


def gap(learner: Learner, replies: Sequence[Sequence[Reply]], role: str = "", temperature: float = 1.0) -> float:
    """Largest difference to the learner's log-probabilities, at a temperature."""
    batch = batch_of(replies, role)
    learner.scorer.temperature = temperature
    try:
        return float((learner.logprobs(batch) - batch.logprobs_BT)[batch.mask_BT].abs().max())
    finally:
        learner.scorer.temperature = 1.0


def shake(learner: Learner, size: float, *names: str) -> None:
    """Other weights, and the next version."""
    learner.policy_version += 1
    rng = torch.Generator().manual_seed(learner.policy_version)
    with torch.no_grad():
        for name, p in learner.model.named_parameters():
            if all(part in name for part in names):
                p.add_(torch.randn(p.shape, generator=rng), alpha=size)


def kill(sampler: VllmSampler) -> None:
    assert sampler.engine_pid is not None
    os.kill(sampler.engine_pid, signal.SIGKILL)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_are_those_of_the_learner_at_the_temperature(plain: tuple[Learner, VllmSampler], temperature: float) -> None:
    learner, sampler = plain
    sync(learner, sampler)
    replies = sampler.generate(PROMPTS, Sampling(temperature=temperature, max_new_tokens=16), SEEDS)
    assert gap(learner, replies, temperature=temperature) < CLOSE
    assert gap(learner, replies, temperature=temperature * 1.5) > 0.05


def test_top_p_is_in_the_logprobs(plain: tuple[Learner, VllmSampler]) -> None:
    learner, sampler = plain
    sync(learner, sampler)
    for reply in sampler.generate(PROMPTS, Sampling(top_p=0.6, max_new_tokens=16), SEEDS)[2]:
        ids = torch.tensor([(*reply.prompt_ids, *reply.token_ids)])
        with torch.no_grad():
            logits = learner.model(input_ids=ids, logits_to_keep=len(reply.token_ids) + 1).logits[0, :-1]
        probability, order = logits.softmax(-1).sort(descending=True)
        kept = probability.cumsum(-1) - probability < 0.6
        wanted = torch.where(kept, probability, 0.0) / torch.where(kept, probability, 0.0).sum(-1, keepdim=True)
        own = wanted.gather(-1, (order == torch.tensor(reply.token_ids)[:, None]).int().argmax(-1, keepdim=True))[:, 0]
        np.testing.assert_allclose(reply.logprobs, own.log(), atol=CLOSE)


def test_seeds_name_replies(plain: tuple[Learner, VllmSampler]) -> None:
    learner, sampler = plain
    sync(learner, sampler)
    many = tuple(range(100, 116))
    [first] = sampler.generate([PROMPTS[2]], SHORT, [many])
    assert len({reply.token_ids for reply in first}) > 8  # short ones may meet
    assert sampler.generate([PROMPTS[2]], SHORT, [many]) == [first]
    for seed in (103, 111):  # without company
        [[alone]] = sampler.generate([PROMPTS[2]], SHORT, [(seed,)])
        assert alone.token_ids == first[seed - 100].token_ids
        np.testing.assert_allclose(alone.logprobs, first[seed - 100].logprobs, atol=CLOSE)
    mixed = sampler.generate([PROMPTS[0], PROMPTS[2], PROMPTS[0]], SHORT, [(103,), (103,), (104,)])
    assert mixed[1][0].token_ids == first[3].token_ids
    assert mixed[0][0].prompt_ids == mixed[2][0].prompt_ids != mixed[1][0].prompt_ids


def test_greedy_replies_and_ends_are_those_of_transformers(plain: tuple[Learner, VllmSampler]) -> None:
    learner, sampler = plain
    sync(learner, sampler)
    reference = TransformersSampler(learner.model, sampler.tokenizer)
    reference.policy_version = sampler.policy_version
    greedy = Sampling(temperature=0, max_new_tokens=12)
    assert sampler.generate(PROMPTS, greedy, [(1,), (1,), (1,)]) == reference.generate(PROMPTS, greedy, [(1,), (1,), (1,)])
    seeds = [range(40)] * 3
    uncut = sampler.generate(PROMPTS, Sampling(max_new_tokens=80), seeds)
    longest = max(len(reply.token_ids) for own in uncut for reply in own)
    shorter = Sampling(max_new_tokens=longest - 1)  # however long the weights of the moment write, it cuts some
    replies = [reply for own in sampler.generate(PROMPTS, shorter, seeds) for reply in own]
    assert {reply.finish_reason for reply in replies} == {"stop", "length"}
    for reply in replies:
        ended = reply.token_ids[-1] in sampler.ends
        assert (reply.finish_reason == "stop") == ended
        assert ended or len(reply.token_ids) == longest - 1
        assert not set(reply.token_ids[:-1]) & sampler.ends
        assert reply.text == sampler.tokenizer.decode(reply.token_ids[:-1] if ended else reply.token_ids)
        assert len(reply.logprobs) == len(reply.token_ids)


def test_the_end_of_a_turn_ends_a_reply_as_the_end_token_does(plain: tuple[Learner, VllmSampler]) -> None:
    learner, sampler = plain
    sync(learner, sampler)
    tokenizer = copy.deepcopy(sampler.tokenizer)
    tokenizer.eos_token = "<|system|>"
    reference = TransformersSampler(learner.model, tokenizer)
    reference.policy_version = sampler.policy_version
    sampler.ends, ends = end_ids(learner.model, tokenizer), sampler.ends
    try:
        assert sampler.ends == {1, 4}
        replies = [reply for own in sampler.generate(PROMPTS, Sampling(max_new_tokens=80), [range(40)] * 3) for reply in own]
        for reply in replies:
            assert (reply.finish_reason == "stop") == (reply.token_ids[-1] in {1, 4})
            assert not {1, 4} & set(reply.token_ids[:-1])
            assert not any(end in reply.text for end in ("<|end|>", "<|system|>"))
        greedy = Sampling(temperature=0, max_new_tokens=12)
        assert sampler.generate(PROMPTS, greedy, [(1,), (1,), (1,)]) == reference.generate(PROMPTS, greedy, [(1,), (1,), (1,)])
    finally:
        sampler.ends = ends


def test_the_context_ends_a_reply(plain: tuple[Learner, VllmSampler]) -> None:
    _, sampler = plain
    text = "b " * 1000
    with pytest.raises(ValueError, match="does not fit the model's context of 512"):
        sampler.generate([(Message("user", text),)], SHORT, [(1,)])
    while len(sampler.tokenizer(text)["input_ids"]) > 500:
        text = text[:-2]
    [[reply]] = sampler.generate([(Message("user", text),)], Sampling(max_new_tokens=64), [(1,)])
    assert len(reply.prompt_ids) + len(reply.token_ids) <= 512


def test_equal_prompts_are_computed_once(plain: tuple[Learner, VllmSampler]) -> None:
    learner, sampler = plain
    sync(learner, sampler)  # forgets prompts
    before = sampler.stats.to_json()
    [own] = sampler.generate([PROMPTS[2]], SHORT, [range(8)])
    length = len(own[0].prompt_ids)
    assert sampler.stats.prompt_tokens - before["prompt_tokens"] == length
    assert length <= sampler.stats.prompt_slots - before["prompt_slots"] < 8 * length / 2


@pytest.mark.parametrize("part", ["embed_tokens", "q_proj", "down_proj", "layernorm", ""])
def test_all_weights_go_over_and_no_old_prompt_stays(plain: tuple[Learner, VllmSampler], part: str) -> None:
    learner, sampler = plain
    sync(learner, sampler)
    sampler.generate(PROMPTS, SHORT, SEEDS)  # the cache is warm
    shake(learner, 0.02, part)
    assert gap(learner, sampler.generate(PROMPTS, SHORT, SEEDS)) > 10 * CLOSE  # without a sync
    sync(learner, sampler)
    replies = sampler.generate(PROMPTS, SHORT, SEEDS)
    assert gap(learner, replies) < CLOSE
    assert {reply.policy_version for own in replies for reply in own} == {learner.policy_version}


def test_adapters_go_over_by_role(adapters: tuple[Learner, VllmSampler]) -> None:
    learner, sampler = adapters
    sync(learner, sampler)
    frozen = sampler.with_adapter(BASE).generate(PROMPTS, SHORT, SEEDS)
    for role, other in (("solver", "proposer"), ("proposer", "solver")):
        before = sampler.with_adapter(other).generate(PROMPTS, SHORT, SEEDS)
        shake(learner, 0.05, ".lora_", f".{role}.")
        assert gap(learner, sampler.with_adapter(role).generate(PROMPTS, SHORT, SEEDS), role) > 10 * CLOSE
        sync(learner, sampler)
        replies = sampler.with_adapter(role).generate(PROMPTS, SHORT, SEEDS)
        assert gap(learner, replies, role) < CLOSE
        assert gap(learner, replies, other) > 10 * CLOSE
        after = sampler.with_adapter(other).generate(PROMPTS, SHORT, SEEDS)
        assert [r.token_ids for own in after for r in own] == [r.token_ids for own in before for r in own]
        assert {reply.policy_version for own in (*replies, *after) for reply in own} == {learner.policy_version}
    assert sampler.generate(PROMPTS, SHORT, SEEDS) == sampler.with_adapter("proposer").generate(PROMPTS, SHORT, SEEDS)
    again = sampler.with_adapter(BASE).generate(PROMPTS, SHORT, SEEDS)
    assert [r.logprobs for own in again for r in own] == [r.logprobs for own in frozen for r in own]
    start = Learner(load_model("tiny", device="cpu")[0])
    assert gap(start, again) < CLOSE


def test_training_moves_the_engine_and_the_check_sees_it(
    plain: tuple[Learner, VllmSampler], adapters: tuple[Learner, VllmSampler]
) -> None:
    for (learner, sampler), roles in ((plain, ("",)), (adapters, ("proposer", "solver"))):
        check = SyncCheck(sampler.tokenizer, 1.0, 1e-3)
        for _ in range(3):
            sync(learner, sampler)
            assert check.check(learner, sampler)["sync_gap"] < CLOSE
            for role in roles:
                policy = sampler.with_adapter(role) if role else sampler
                metrics = learner.update(batch_of(policy.generate(PROMPTS, SHORT, SEEDS), role), find_algorithm("reinforce"))
                assert metrics["ratio_max"] == pytest.approx(1.0, abs=1e-3)
        sampler.policy_version = learner.policy_version  # a stamp, and no weights
        with pytest.raises(SyncError, match="still uses the weights of policy version"):
            check.check(learner, sampler)


def test_a_killed_engine_comes_back_with_the_newest_weights(
    plain: tuple[Learner, VllmSampler], adapters: tuple[Learner, VllmSampler]
) -> None:
    for (learner, sampler), role in ((plain, ""), (adapters, "solver")):
        sync(learner, sampler)
        shake(learner, 0.02, role)
        sync(learner, sampler)
        policy = sampler.with_adapter(role) if role else sampler
        wanted = policy.generate(PROMPTS, SHORT, SEEDS)
        before = sampler.stats.engine_restarts
        kill(sampler)  # between calls
        assert policy.generate(PROMPTS, SHORT, SEEDS) == wanted
        assert gap(learner, wanted, role) < CLOSE
        assert sampler.stats.engine_restarts == before + 1


def test_an_engine_killed_in_the_middle_of_a_call_repeats_it(plain: tuple[Learner, VllmSampler]) -> None:
    learner, sampler = plain
    sync(learner, sampler)
    work = ([PROMPTS[0]], Sampling(max_new_tokens=400), [range(64)])
    sampler.ends, ends = frozenset(), sampler.ends  # nothing ends early
    try:
        wanted = sampler.generate(*work)
        before = sampler.stats.engine_restarts
        timer = threading.Timer(0.3, kill, [sampler])
        timer.start()
        assert sampler.generate(*work) == wanted
        timer.join()
        assert sampler.stats.engine_restarts == before + 1
    finally:
        sampler.ends = ends


def test_a_run_goes_on_when_its_engine_is_killed_between_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, letters_game: str
) -> None:
    opened: list[VllmSampler] = []
    open_sampler = assembly.open_sampler

    def opening(*args: object, **options: object) -> VllmSampler:
        sampler = open_sampler(*args, **options)  # type: ignore[arg-type]
        assert isinstance(sampler, VllmSampler)
        opened.append(sampler)
        return sampler

    def kill_engine(event: Event) -> None:
        if event.kind == "updated" and event.step == 2:
            kill(opened[0])

    monkeypatch.setattr(assembly, "open_sampler", opening)
    config = TrainConfig(
        games=(GameMix(env_id=letters_game, kwargs={"attempts": 4}, fresh=2),),
        sampler="vllm:max_rows=32" + (f",python={PYTHON}" if PYTHON else ""),
        learner=LearnerConfig(lora_rank=4),
        sampling=Sampling(max_new_tokens=8),
        sync_tolerance=1e-3,
        steps=3,
        device="cpu",
    )
    train(config, tmp_path, kill_engine)
    rows = read_rows(tmp_path / "metrics.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert all(row["sync_gap"] < CLOSE for row in rows)
    [sampler] = opened
    assert sampler.stats.engine_restarts == 1
    assert sampler.policy_version == 3
    assert sampler.engine_pid is None


def test_versions_differ_in_name(adapters: tuple[Learner, VllmSampler]) -> None:
    learner, sampler = adapters
    seen = []
    for _ in range(3):
        sync(learner, sampler)
        seen += [adapter[:2] for adapter in sampler.supervisor.files.adapters.values()]
    assert len(set(seen)) == 6
    assert all(
        len(list(Path(folder).parent.glob("adapter-*"))) == 2 for _, _, folder in sampler.supervisor.files.adapters.values()
    )
    assert all(one[1] < other[1] for one, other in pairwise(seen))


def test_what_cannot_sleep_stays_awake(plain: tuple[Learner, VllmSampler], monkeypatch: pytest.MonkeyPatch) -> None:
    learner, sampler = plain
    sync(learner, sampler)
    wanted = sampler.generate(PROMPTS, SHORT, SEEDS)
    before = sampler.engine_pid
    monkeypatch.setattr(sampler, "_sleeps", True)  # this engine was started without
    sampler.release_memory()
    assert sampler.generate(PROMPTS, SHORT, SEEDS) == wanted
    assert sampler.engine_pid == before
