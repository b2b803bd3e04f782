from __future__ import annotations

import sys
import time
from typing import Any

import pytest

from agents.core.errors import EndpointError, ModelUnavailable, PromptTooLong
from agents.samplers.chat_client import ChatClient
from tests.helpers.fake_endpoint import Answer, chat, refusal, serving

KEY = "sk-secret-0123456789"
SOON = {"retry_after_ms": "1"}  # openai's pauses obey it


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def key_env(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("THE_KEY", f" {KEY}\n")
    return "THE_KEY"


@pytest.mark.parametrize("tail", ["", "/", "/chat/completions"])
def test_it_posts_to_chat_completions_with_the_key(key_env: str, tail: str) -> None:
    with serving(lambda number, body: chat("hello")) as fake:
        answer = ChatClient(fake.url + tail, key_env=key_env).post({"model": "m"})
        assert answer["choices"][0]["message"]["content"] == "hello"
        ChatClient(fake.url.removesuffix("/v1")).post({"model": "m"})
    assert fake.asked == [{"model": "m"}] * 2
    assert fake.paths == ["/v1/chat/completions"] * 2
    assert fake.keys[0] == f"Bearer {KEY}"


@pytest.mark.parametrize("state", [429, 500, 503])
def test_what_may_pass_is_tried_again(state: int) -> None:
    with serving(lambda number, body: refusal(state, **SOON) if number < 2 else chat("late")) as fake:
        assert ChatClient(fake.url).post({})["choices"][0]["message"]["content"] == "late"
        assert len(fake.asked) == 3


def test_after_the_last_try_it_says_what_the_server_said() -> None:
    with serving(lambda number, body: refusal(503, "busy", **SOON)) as fake:
        with pytest.raises(EndpointError, match=r"endpoint http://127.0.0.1:\d+ answers 503 \(busy\)\."):
            ChatClient(fake.url, retries=2).post({})
        assert len(fake.asked) == 3


@pytest.mark.parametrize("state", [401, 403])
def test_a_wrong_key_is_not_tried_again_and_not_shown(key_env: str, state: int) -> None:
    with serving(lambda number, body: refusal(state, f"bad key {KEY}")) as fake:
        with pytest.raises(
            EndpointError, match=r"\(bad key \*\*\*\); check the key in the variable that key_env names"
        ) as caught:
            ChatClient(fake.url, key_env=key_env).post({})
        assert len(fake.asked) == 1
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with serving(lambda number, body: chat()) as fake:
        url = fake.url
    with pytest.raises(EndpointError, match=r"cannot be reached \(.*refused.*\); start the server, or correct the url\."):
        ChatClient(url, retries=0).post({})


def test_a_slow_answer_is_an_error_in_time() -> None:
    def slowly(number: int, body: dict[str, Any]) -> Answer:
        time.sleep(1.0)
        return chat()

    with serving(slowly) as fake, pytest.raises(EndpointError, match=r"did not answer within timeout_s=0\.1\."):
        ChatClient(fake.url, timeout_s=0.1, retries=0).post({})


@pytest.mark.parametrize("data", [b"", b"<html>", b"{", b"\xff", b"[" * 100_000, b"[]", b"3", b"null", b'"text"'])
def test_what_is_no_json_object_is_one_sentence(data: bytes) -> None:
    with (
        serving(lambda number, body: (200, data, {})) as fake,
        pytest.raises(EndpointError, match="did not answer with a JSON"),
    ):
        ChatClient(fake.url, retries=0).post({})


def test_a_redirect_does_not_carry_the_key_to_another_host(key_env: str) -> None:
    with serving(lambda number, body: chat()) as other:
        away = other.url.replace("127.0.0.1", "localhost") + "/chat/completions"
        with serving(lambda number, body: (307, b"", {"Location": away})) as fake:
            ChatClient(fake.url, key_env=key_env, retries=0).post({})
        assert other.keys == [None]


def test_what_a_server_says_of_its_refusal_is_cut_and_printable() -> None:
    for said, shown in (("x" * 999, f" ({'x' * 200})"), ("a\n  b.", " (a b)"), ("\x1b[31m", ""), ("", "")):
        with serving(lambda number, body, said=said: refusal(400, said)) as fake, pytest.raises(EndpointError) as caught:
            ChatClient(fake.url).post({})
        assert str(caught.value).endswith(f"answers 400{shown}.")


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://h/v1", "http://", f"http://user:{KEY}@h/v1", f"http://h/v1?key={KEY}", f"http://h/v1#{KEY}"],
)
def test_urls_are_checked_and_secrets_in_them_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="is not understood; write it like http://localhost:8000/v1") as caught:
        ChatClient(url)
    assert KEY not in str(caught.value)


def test_the_key_is_checked_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THE_KEY", raising=False)
    with pytest.raises(ValueError, match="key_env='THE_KEY': that environment variable is not set"):
        ChatClient("http://h/v1", key_env="THE_KEY")
    for odd in (f"{KEY} x", f"{KEY}\nx", f"{KEY}é"):
        monkeypatch.setenv("THE_KEY", odd)
        with pytest.raises(ValueError, match="holds blanks or odd characters") as caught:
            ChatClient("http://h/v1", key_env="THE_KEY")
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("options", [{"timeout_s": 0.0}, {"retries": -1}])
def test_bounds_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be above 0 and retries="):
        ChatClient("http://h/v1", **options)


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ModelUnavailable, match=r"needs one more package .*; type: pip install openai"):
        ChatClient("http://h/v1")


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 512 tokens. However, you requested 600 tokens.",
        "the request exceeds the available context size, try increasing it",
        "context_length_exceeded",
        "prompt is too long: 9 tokens > 8 maximum",
    ],
)
def test_no_room_for_a_prompt_is_an_error_of_its_own(said: str) -> None:
    with (
        serving(lambda number, body: refusal(400, said)) as fake,
        pytest.raises(PromptTooLong, match="has no room for a prompt"),
    ):
        ChatClient(fake.url).post({})
    with serving(lambda number, body: refusal(403, said)) as fake, pytest.raises(EndpointError, match="answers 403"):
        ChatClient(fake.url).post({})
