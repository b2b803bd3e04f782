"""The file of replies: what a kill leaves, who may open it, what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.core.errors import AgentError
from agents.samplers.reply_store import ReplyStore
from selfplay_envs import Reply

FIRST, SECOND = "0" * 31 + "1", "0" * 31 + "2"


def test_replies_are_found_again_by_key_with_every_character(tmp_path: Path) -> None:
    path = tmp_path / "new" / "replies.jsonl"
    odd = Reply(text="a\nb\u2028c \U0001f600 \ud83d \x00", finish_reason="length")
    store = ReplyStore(path)
    store.add([(FIRST, odd), (SECOND, Reply(text="b"))])
    assert (store[FIRST], store[SECOND].text, len(store)) == (odd, "b", 2)
    store.close()
    store.close()
    again = ReplyStore(path)
    assert (again[FIRST], again[SECOND].text, len(again), "0" * 32 in again) == (odd, "b", 2, False)
    again.add([("0" * 32, Reply(text="c"))])
    assert again["0" * 32].text == "c"
    again.close()


def test_a_half_written_last_line_is_cut_off_at_every_length(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    store = ReplyStore(path)
    store.add([(FIRST, Reply(text="a"))])
    whole = path.read_bytes()
    store.add([(SECOND, Reply(text="b"))])
    store.close()
    both = path.read_bytes()
    for length in range(len(whole), len(both)):
        path.write_bytes(both[:length])
        store = ReplyStore(path)
        assert (FIRST in store, SECOND in store) == (True, False)
        store.add([(SECOND, Reply(text="b"))])
        store.close()
        assert path.read_bytes() == both


def test_one_process_at_a_time(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path / "replies.jsonl")
    with pytest.raises(AgentError, match="is in use by another process"):
        ReplyStore(tmp_path / "replies.jsonl")
    store.close()
    ReplyStore(tmp_path / "replies.jsonl").close()


def test_a_line_that_is_no_reply_is_named(tmp_path: Path) -> None:
    path = tmp_path / "replies.jsonl"
    ReplyStore(path).close()
    path.write_text('{"key": "zz", "text": "a", "finish_reason": "stop"}\n')
    with pytest.raises(AgentError, match=r"replies.jsonl:1 is no stored reply .* delete that line"):
        ReplyStore(path)
    with pytest.raises(AgentError, match="cannot be written"):
        ReplyStore(path / "below_a_file" / "replies.jsonl")
