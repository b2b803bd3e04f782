"""Chats: the gold reply is the last message, as it stands. Free text: nothing is known of an answer but the example."""

import pytest

from selfplay_envs import Referee, Reply, Start, UsageError, play_episode
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.verifiers.answers.chat import Chat, FreeText
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


def finding(problem, reply):
    found = FreeText().extract(read_reply(reply))
    if found.fault:
        return found.fault
    with pytest.raises(StopIteration) as stop:
        next(FreeText().check(problem, found.answer))
    return stop.value.value


def test_the_example_is_right_and_nothing_is_known_of_another_answer():
    problem = FreeText().problem({"question": "Name a star.", "answer": "Sirius, of course.", "subset": "koala", "id": 3})
    assert FreeText().gold(problem) == "Sirius, of course."
    assert finding(problem, "<think>Bright.</think> Sirius,  of\ncourse. ") == "right"
    assert finding(problem, "Vega.") == "needs_judge"
    assert finding(problem, "<think>Vega.</think>") == "no_answer"


def test_without_an_example_no_answer_is_right():
    problem = FreeText().problem({"question": "Name a star."})
    assert FreeText().gold(problem) is None
    assert finding(problem, "Vega.") == "needs_judge"


def test_a_request_must_be_a_text():
    with pytest.raises(UsageError, match=r"question='' is not a text"):
        FreeText().problem({"question": ""})
    with pytest.raises(UsageError, match=r"answer=3 is not a text"):
        FreeText().problem({"question": "?", "answer": 3})


def test_a_game_charges_nobody_for_what_nobody_can_judge():
    start = Start(
        "SelfPlay/Dataset-v0", 0, {"source": "sample", "verifier": "free-text", "prompt": "{question}", "attempts": 1}
    )
    episode = play_episode(start, lambda asks: [Reply(text="Vega.") for _ in asks], Referee("process"))
    assert [turn.void for turn in episode.messages] == ["needs_judge"]
