"""Chats: the gold reply is the last message, as it stands."""

import pytest

from selfplay_envs import UsageError
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.verifiers.answers.chat import Chat
from selfplay_envs.verifiers.findings import RIGHT, WRONG

USER = {"role": "user", "content": "Hello?"}


def chat(gold):
    return Chat().problem({"messages": [USER, {"role": "assistant", "content": gold}]})


def verdict(problem, reply):
    """The finding on a reply, or why there is no answer in it; the verifier needs no sandbox."""
    found = Chat().extract(read_reply(reply))
    with pytest.raises(StopIteration) as stop:
        next(Chat().check(problem, found.answer))
    return found.fault or stop.value.value


@pytest.mark.parametrize(
    "gold",
    [
        "Hi.",
        " Hi,\n\nthere. ",
        "<think>A greeting.</think>Hi.",
        "<answer>Hi.</answer> Or so.",
        "```python\nx\n```",
        "Answer: 1\nAnswer: 2",
    ],
)
def test_the_gold_reply_is_right_as_it_stands_and_another_is_not(gold):
    problem = chat(gold)
    assert Chat().gold(problem) == gold
    assert verdict(problem, gold) == RIGHT
    assert verdict(problem, "Bye.") == WRONG
    assert verdict(problem, "<think>Hi.</think>") == "no_answer"


def test_white_space_does_not_count():
    assert verdict(chat("Hi,  there."), "Hi,\nthere. ") == RIGHT
    assert verdict(chat("Hi,  there."), "Hi,there.") == WRONG


def test_a_chat_without_a_reply_has_no_gold():
    problem = Chat().problem({"messages": [USER]})
    assert Chat().gold(problem) is None
    assert verdict(problem, "") == "no_answer"
    assert verdict(problem, "Hi.") == WRONG


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ("Hello?", "messages='Hello?' is no list of"),
        ([], "messages=[] is no list of"),
        (["Hello?"], "messages[0]='Hello?' has no role out of system, user, assistant and content of text."),
        ([USER, {"role": "tool", "content": "x"}], "messages[1]={'role': 'tool', 'content': 'x'} has no role"),
        ([{"role": "user", "content": ["x"]}], "messages[0]="),
        ([{"from": "human", "value": "x"}], "messages[0]="),
        ([{"role": "assistant", "content": "Hi."}], "messages are a reply alone; put the message before it that it answers."),
    ],
)
def test_what_is_no_chat_is_refused(messages, sentence):
    with pytest.raises(UsageError) as error:
        Chat().problem({"messages": messages})
    assert sentence in str(error.value)
