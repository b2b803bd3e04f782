from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from transformers import PreTrainedModel

from agents.cli.main import main
from agents.config.run import EvalConfig
from agents.config.sampling import Sampling
from agents.core.errors import EndpointError, PromptTooLong
from agents.evaluation.evaluate import evaluate
from agents.models.adapters import SHARED
from agents.models.weights import weights_of
from agents.samplers.endpoint import EndpointSampler
from agents.samplers.stats import SamplerStats
from selfplay_envs import Message, Referee
from tests.helpers.fake_endpoint import Answer, chat, refusal, serving
from tests.helpers.toys import GAME

SAMPLING = Sampling(temperature=0.5, top_p=0.9, max_new_tokens=33)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def prompt(text: str) -> tuple[Message, ...]:
    return (Message("system", "be short"), Message("user", text))


def test_a_request_holds_all_options() -> None:
    with serving(lambda number, body: chat()) as fake:
        EndpointSampler(url=fake.url, model="m").generate([prompt("a")], SAMPLING, [((5 << 31) + 7,)])
        plain = EndpointSampler(url=fake.url, model="m", send_seed=False, limit_field="max_completion_tokens")
        plain.generate([prompt("a")], SAMPLING, [(1,)])
    messages = [{"role": "system", "content": "be short"}, {"role": "user", "content": "a"}]
    same = {"model": "m", "messages": messages, "temperature": 0.5, "top_p": 0.9}
    assert fake.asked == [{**same, "max_tokens": 33, "seed": 7}, {**same, "max_completion_tokens": 33}]


def test_the_order_of_prompts_is_kept_and_requests_run_side_by_side_within_the_limit() -> None:
    three_at_once = threading.Barrier(3)

    def echo(number: int, body: dict[str, Any]) -> Answer:
        three_at_once.wait(60)
        time.sleep(0.02 * (3 - number % 3))  # later requests are answered earlier
        return chat(f"{body['messages'][1]['content']}{body['seed']}")

    with serving(echo) as fake:
        sampler = EndpointSampler(url=fake.url, model="m", parallel=3)
        found = sampler.generate([prompt("a"), prompt("b"), prompt("c")], SAMPLING, [(1, 2, 3), (), (4, 5, 6)])
        assert [[reply.text for reply in own] for own in found] == [["a1", "a2", "a3"], [], ["c4", "c5", "c6"]]
        assert fake.most_in_flight == 3
        assert sampler.generate([prompt("a")], SAMPLING, [()]) == [[]]
    assert all(reply.token_ids == reply.logprobs == reply.prompt_ids == () for own in found for reply in own)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "length"),
        (None, "stop"),
        ([1], "stop"),
    ],
)
def test_finish_reasons_become_ours(reason: Any, expected: str) -> None:
    with serving(lambda number, body: chat("x", reason)) as fake:
        [[reply]] = EndpointSampler(url=fake.url, model="m").generate([prompt("a")], SAMPLING, [(1,)])
    assert reply.finish_reason == expected


def test_version_counts_and_adapters(model: PreTrainedModel) -> None:
    usage = iter([{"prompt_tokens": 11, "completion_tokens": 4}, {"prompt_tokens": "many", "completion_tokens": -3}, None])
    with serving(lambda number, body: chat("x", usage=next(usage))) as fake:
        sampler = EndpointSampler(url=fake.url, model="m", parallel=1)
        sampler.load_weights(weights_of(model, 6))
        [own] = sampler.generate([prompt("a")], SAMPLING, [(1, 2, 3)])
    assert {reply.policy_version for reply in own} == {6}
    assert sampler.stats == SamplerStats(prompt_tokens=11, prompt_slots=11, reply_tokens=4, reply_slots=4)
    assert sampler.with_adapter(SHARED) is sampler
    with pytest.raises(ValueError, match=r"adapter='solver' is not at http://127.0.0.1:\d+, which uses its own weights"):
        sampler.with_adapter("solver")
    sampler.close()
    sampler.close()


@pytest.mark.parametrize(
    "answer",
    [{}, {"choices": []}, {"choices": {}}, {"choices": ["x"]}, {"choices": [{}]}, {"choices": [{"message": "x"}]}],
)
def test_an_answer_without_a_message_is_one_sentence(answer: dict[str, Any]) -> None:
    with (
        serving(lambda number, body: (200, json.dumps(answer).encode(), {})) as fake,
        pytest.raises(EndpointError, match=r"answered without choices\[0\]\.message\.content; is it a chat completions API"),
    ):
        EndpointSampler(url=fake.url, model="m").generate([prompt("a")], SAMPLING, [(1,)])


@pytest.mark.parametrize("content", [3, ["x"], {"text": "x"}])
def test_content_of_another_type_is_one_sentence(content: Any) -> None:
    with serving(lambda number, body: chat(content)) as fake, pytest.raises(EndpointError, match="answered without"):
        EndpointSampler(url=fake.url, model="m").generate([prompt("a")], SAMPLING, [(1,)])


def test_texts_that_are_odd_are_texts() -> None:
    texts = [None, "", "\ud800x", "\x00\x1b[31m"]
    with serving(lambda number, body: chat(texts[number])) as fake:
        [own] = EndpointSampler(url=fake.url, model="m", parallel=1).generate([prompt("a")], SAMPLING, [(1, 2, 3, 4)])
    assert [reply.text for reply in own] == ["", "", "?x", "\x00\x1b[31m"]


def test_one_refusal_ends_the_call_and_drops_the_rest() -> None:
    with serving(lambda number, body: refusal(400, "no such model")) as fake:
        with pytest.raises(EndpointError, match=r"answers 400 \(no such model\)\."):
            EndpointSampler(url=fake.url, model="m", parallel=1).generate([prompt("a")], SAMPLING, [tuple(range(500))])
        assert len(fake.asked) < 50


def test_it_can_be_evaluated() -> None:
    with serving(lambda number, body: chat("a" if "a" in body["messages"][-1]["content"][4:] else "b")) as fake:
        tasks = {GAME: [{"letter": "a"}, {"letter": "z"}]}
        result = evaluate(EndpointSampler(url=fake.url, model="m"), Referee("process"), tasks, EvalConfig(samples=2))
    assert result.correct[GAME].tolist() == [[True, True], [False, False]]


def test_at_least_one_request_at_a_time() -> None:
    with pytest.raises(ValueError, match="endpoint parallel=0 must be at least 1"):
        EndpointSampler(url="http://h/v1", model="m", parallel=0)


def test_play_prompts_it_in_the_full_wording_and_loads_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["play", "KuhnPoker", "--role", "none", "--model", "no-such-model", "--max-new-tokens", "9"]
    with serving(lambda number, body: chat("```action\npass\n```")) as fake:
        assert main([*arguments, "--sampler", f"endpoint:url={fake.url},model=org/name"]) == 0
    shown = capsys.readouterr().out
    assert "the endpoint plays" in shown
    assert "The game is over" in shown
    assert {(body["model"], body["max_tokens"]) for body in fake.asked} == {("org/name", 9)}
    assert main([*arguments, "--sampler", "no-such-sampler"]) == 2
    assert "sampler='no-such-sampler' is not known" in capsys.readouterr().err


def test_the_verb_eval_measures_a_remote_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # an endpoint that answers every question of the full wording with the same literal: wrong, and counted as such
    with serving(lambda number, body: chat("```output\n0\n```")) as fake:
        out = tmp_path / "scores.json"
        sampler = f"endpoint:url={fake.url},model=m"
        options = ["--limit", "2", "--samples", "1", "--sandbox", "process", "--json", str(out)]
        assert main(["eval", "remote", "--sampler", sampler, *options]) == 0
    scores = json.loads(out.read_text())
    assert scores["problems"]["SelfPlay/Deduction-v0"]["samples"] == 1
    assert len(fake.asked) == 6
    assert "remote" in capsys.readouterr().out


def test_it_says_which_prompts_have_no_room() -> None:
    def answer(number: int, body: dict[str, Any]) -> Answer:
        return refusal(400, "maximum context length is 8") if body["messages"][1]["content"] == "long" else chat("x")

    asked, seeds = [prompt("a"), prompt("long"), prompt("b"), prompt("long")], [(1,), (2, 3), (4,), (5,)]
    with serving(answer) as fake, pytest.raises(PromptTooLong, match="maximum context length is 8") as caught:
        EndpointSampler(url=fake.url, model="m").generate(asked, SAMPLING, seeds)
    assert caught.value.places == (1, 3)
