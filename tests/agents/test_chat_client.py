from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from agents import chat_client
from agents.chat_client import ChatClient
from agents.errors import EndpointError
from tests.agents.fake_endpoint import Answer, chat, refusal, serving

KEY = "sk-very-secret-0123456789"
BODY = {"model": "m", "messages": []}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


class Pauses(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def refused(answer: Answer, **options: Any) -> str:
    with serving(lambda number, body: answer) as fake, pytest.raises(EndpointError) as caught:
        ChatClient(fake.url, sleep=Pauses(), **options).ask(BODY)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_it_posts_to_chat_completions_with_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY + "\n")
    with serving(lambda number, body: chat("hello")) as fake:
        for url in (fake.url, fake.url + "/", fake.url + "/chat/completions", fake.url.removesuffix("/v1")):
            answer = ChatClient(url, key_env="SOME_KEY").ask(BODY)
            assert answer["choices"][0]["message"]["content"] == "hello"
        assert fake.paths == ["/v1/chat/completions"] * 4
        assert fake.keys == [f"Bearer {KEY}"] * 4
        assert fake.asked[0] == BODY
        ChatClient(fake.url).ask(BODY)
        assert fake.keys[-1] is None


@pytest.mark.parametrize("state", [429, 500, 503])
def test_what_may_pass_is_tried_again_with_growing_pauses(state: int) -> None:
    pauses = Pauses()
    with serving(lambda number, body: refusal(state) if number < 3 else chat()) as fake:
        ChatClient(fake.url, sleep=pauses).ask(BODY, seed=1)
        assert len(fake.asked) == 4
    for pause, most in zip(pauses, (0.5, 1.0, 2.0), strict=True):
        assert most / 2 <= pause <= most
    again = Pauses()
    with serving(lambda number, body: refusal(state) if number < 3 else chat()) as fake:
        ChatClient(fake.url, sleep=again).ask(BODY, seed=2)
    assert again != pauses  # those who failed together come back apart


def test_retry_after_is_kept_within_reason() -> None:
    pauses = Pauses()
    waits = ("7", "99999", "-5", "soon")
    with serving(lambda number, body: refusal(429, Retry_After=waits[number]) if number < 4 else chat()) as fake:
        ChatClient(fake.url, sleep=pauses).ask(BODY)
    assert pauses[:2] == [7.0, 30.0]
    assert max(pauses[2:]) <= 4.0


def test_after_the_last_try_it_says_how_often() -> None:
    sentence = refused(refusal(503, "the model is loading"), retries=2)
    assert "answers 503 (the model is loading) (tried 3 times)." in sentence


@pytest.mark.parametrize("state", [401, 403])
def test_a_wrong_key_is_not_tried_again_and_not_shown(monkeypatch: pytest.MonkeyPatch, state: int) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with serving(lambda number, body: refusal(state, f"Incorrect API key provided: {KEY}.")) as fake:
        with pytest.raises(EndpointError) as caught:
            ChatClient(fake.url, key_env="SOME_KEY", sleep=Pauses()).ask(BODY)
        assert len(fake.asked) == 1
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.__context__)
    assert f"answers {state} (Incorrect API key provided: ***); check the key in the variable that key_env" in str(caught.value)


def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pauses = Pauses()
    with pytest.raises(
        EndpointError, match=rf"http://127.0.0.1:{port} cannot be reached .*; start the server, or correct the url"
    ):
        ChatClient(f"http://127.0.0.1:{port}/v1", sleep=pauses).ask(BODY)
    assert pauses == []


def test_a_server_that_restarts_is_waited_for() -> None:
    pauses = Pauses()
    with serving(lambda number, body: chat()) as fake:
        client = ChatClient(fake.url, retries=2, sleep=pauses)
        client.ask(BODY)
    with pytest.raises(EndpointError, match=r"cannot be reached .*tried 3 times"):
        client.ask(BODY)
    assert len(pauses) == 2


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>hello</html>", b"\xff\xfe", b'{"choices"', b"[" * 100_000, b"1" * 10_000],
    ids=["empty", "html", "bytes", "cut off", "deep", "long number"],
)
def test_what_is_not_json_is_one_sentence(data: bytes) -> None:
    assert "did not answer in JSON; is the url that of the API?" in refused((200, data, {}))


@pytest.mark.parametrize("data", [b"[]", b"3", b"null", b'"text"'])
def test_json_that_is_no_object_is_one_sentence(data: bytes) -> None:
    assert "answered JSON that is not an object" in refused((200, data, {}))


def test_a_huge_answer_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_client, "MAX_ANSWER_BYTES", 1 << 20)
    assert "longer than 1024 KiB" in refused((200, b"[" + b" " * (8 << 20), {}))


def test_a_broken_off_answer_is_asked_for_again() -> None:
    whole = chat()[1]
    with serving(lambda number, body: (200, whole[:20] if number == 0 else whole, {"Content-Length": str(len(whole))})) as fake:
        client = ChatClient(fake.url, timeout_s=0.5, sleep=Pauses())
        assert client.ask(BODY) == json.loads(whole)
        assert len(fake.asked) == 2


def test_a_slow_answer_is_an_error_in_time() -> None:
    def slow(number: int, body: dict[str, Any]) -> Answer:
        time.sleep(1.0)
        return chat()

    with serving(slow) as fake, pytest.raises(EndpointError, match=r"did not answer within timeout_s=0\.2"):
        ChatClient(fake.url, timeout_s=0.2, retries=0).ask(BODY)


def test_a_redirect_does_not_carry_the_key_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with serving(lambda number, body: chat()) as thief, serving(lambda n, body: (307, b"", {"Location": thief.url})) as fake:
        with pytest.raises(EndpointError, match="answers 307"):
            ChatClient(fake.url, key_env="SOME_KEY").ask(BODY)
        assert thief.asked == []


def test_what_a_server_says_of_its_refusal_is_cut_and_printable() -> None:
    sentence = refused(refusal(400, "x" * 5_000))
    assert len(sentence) < 300
    assert "\x1b" not in refused(refusal(400, "\x1b[31mred"))
    for odd in (b"[]", b'{"error": [1]}', b"no json", b'{"error": {"message": {"a": 1}}}'):
        assert refused((400, odd, {})).endswith("answers 400.")


@pytest.mark.parametrize(
    "url",
    ["localhost:8000", "ftp://host/v1", "http://", f"http://user:{KEY}@host/v1", f"https://host/v1?key={KEY}", "http://h/v1#x"],
)
def test_urls_are_checked_and_secrets_in_them_not_shown(url: str) -> None:
    with pytest.raises(
        ValueError, match=r"endpoint url=.* is not understood; write it like http://localhost:8000/v1"
    ) as caught:
        ChatClient(url)
    assert KEY not in str(caught.value)


def test_the_key_is_checked_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(ValueError, match="key_env='SOME_KEY': that environment variable is not set"):
        ChatClient("http://h/v1", key_env="SOME_KEY")
    for odd in (f"{KEY}\nX-Other: 1", f"Bearer {KEY}", f"{KEY}ä"):
        monkeypatch.setenv("SOME_KEY", odd)
        with pytest.raises(ValueError, match="holds blanks or odd characters") as caught:
            ChatClient("http://h/v1", key_env="SOME_KEY")
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("options", [{"timeout_s": 0.0}, {"retries": -1}])
def test_bounds_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be above 0 and retries"):
        ChatClient("http://h/v1", **options)


def test_an_answer_that_drips_is_an_error_in_time() -> None:
    class Drip:
        length = None

        def read1(self, size: int) -> bytes:
            time.sleep(0.01)
            return b" "

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        chat_client._read(Drip(), started + 0.1, 1 << 20)
    assert 0.1 < time.monotonic() - started < 1.0
