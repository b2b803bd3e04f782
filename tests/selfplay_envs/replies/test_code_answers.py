"""Where values, argument lists and programs stand in replies, in every form that models write."""

import time

import pytest

from selfplay_envs.replies.code_answers import (
    CONTINUATION,
    argument_list,
    labelled_answer,
    program_blocks,
    read_blocks,
    returned_value,
)
from selfplay_envs.replies.parsing import fence, read_reply


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (fence("output", "5"), "5"),
        (fence("output", "4") + "\nNo:\n" + fence("output", "5"), "5"),
        (fence("", "5"), "5"),
        (fence("output", "5") + "\n[ANSWER]6[/ANSWER]\nAnswer: 7", "5"),
        ("[ANSWER]4[/ANSWER] then [ANSWER]\n5\n[/ANSWER]", "5"),
        ("5\n[/ANSWER]", "5"),
        ("[THOUGHT]6[/THOUGHT]\n[ANSWER]5", "5"),
        ("[ANSWER]\n" + fence("python", "assert f(1) == 5") + "\n[/ANSWER]", "assert f(1) == 5"),
        (fence("python", "def f(x):\n    return 5") + "\nassert f(1) == 4\nassert f(1) == 5\nDone.", "assert f(1) == 5"),
        ("**Answer:** `5`", "5"),
        ("So:\nAnswer:\n" + fence("python", "5") + "\n" + fence("text", "6"), "6"),
        ("It is \\boxed{5}.", "5"),
        ("<think>[ANSWER]4[/ANSWER]</think>\n[ANSWER]5[/ANSWER]", "5"),
        ("[ANSWER][/ANSWER] Answer: 4", None),
        ("It is 5.", None),
        ("", None),
        (fence("python", "def f(x):\n    return 5"), None),
    ],
)
def test_answers_under_a_label(reply, answer):
    assert labelled_answer(read_reply(reply), "output") == answer


@pytest.mark.parametrize(
    ("text", "value", "arguments"),
    [
        ("assert f(2, k=[3]) == 4", "4", "2, k=[3]"),
        ("f( 2 ) == {'a': 1}", "{'a': 1}", "2"),
        ("assert area(2) == 4  # why", "4", "2"),
        ("assert f(2) == 4, 'message'", "4", "2"),
        ("assert f(f(1)) == (1 == 2)", "1 == 2", "f(1)"),
        ("assert f(1) == ('a'\n  'b')", "('a'\n  'b'\n)", "1"),
        ("assert f(\n  'é', 2\n) == 'ü'", "'ü'", "'é', 2"),
        ("f(2)", "f(2)", "2"),
        ("f()", "f()", ""),
        *[
            (text, text, text)
            for text in ("4", "'f(2) == 4'", "range(3)", "len(x) == 4", "f(2) == 4 == 4", "not python", "g(2)")
        ],
    ],
)
def test_equations(text, value, arguments):
    assert returned_value(text) == value
    assert argument_list(text) == arguments


@pytest.mark.parametrize(
    ("reply", "blocks"),
    [
        (fence("python", "a = 1"), ["a = 1"]),
        ("First\n" + fence("python", "a = 1") + "\nthen\n" + fence("python", '"""\n```\nq\n```\n"""\nb = 2'), None),
        ("def f():\n    return 1", []),
        (fence("text", "a"), []),
    ],
)
def test_blocks_are_kept_and_found_again(reply, blocks):
    parsed = read_reply(reply)
    kept = program_blocks(parsed)
    assert read_blocks(kept) == (parsed.bodies("python") if blocks is None else blocks)
    assert kept.startswith(CONTINUATION) == (blocks == [])
    assert read_reply(fence("python", "a = 1\n\nb = 2")).bodies("python") == [
        program_blocks(read_reply(fence("python", "a = 1\n\nb = 2")))
    ]


def test_a_reply_of_nothing_has_no_program():
    assert program_blocks(read_reply(" \n")) == ""


@pytest.mark.parametrize(
    "part", ["[ANSWER]", "[/ANSWER]", "assert ", "assert f(", "> ` * ", "Answer: ", "\\boxed{", "f(", "``` \n", "\n"]
)
def test_hostile_replies_take_linear_time(part):
    reply = read_reply(part * (100_000 // len(part)))
    began = time.process_time()
    answer = labelled_answer(reply, "output") or ""
    assert isinstance(returned_value(answer) + argument_list(answer), str)
    assert time.process_time() - began < 1
