"""Where the answer of a reply stands: tables of texts, and that no text is too hard."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay_envs.replies.extraction import (
    answer_line,
    hashed_answer,
    last_answer,
    last_boxed,
    last_line,
    last_number,
    stated_answer,
)
from selfplay_envs.replies.parsing import read_reply

RULES = (last_boxed, answer_line, stated_answer, hashed_answer, last_number, last_line)

BOXED = {
    r"\boxed{5}": "5",
    r"\boxed{1} then \boxed{2}": "2",
    r"\boxed {5}": "5",
    r"\fbox{5}": "5",
    r"\boxed{\frac{1}{2}} \text{ or } x": r"\frac{1}{2}",
    r"\boxed{\boxed{5}}": "5",
    r"\boxed{\{1, 2\}}": r"\{1, 2\}",
    r"\boxed{a \} b}": r"a \} b",
    r"\boxed{\\}": r"\\",
    r"\boxed{}": "",
    r"\boxed{1} and \boxed{2": None,
    r"\boxed 5": None,
    "boxed{5}": None,
    "": None,
}


@pytest.mark.parametrize(("text", "answer"), BOXED.items())
def test_the_last_box(text, answer):
    assert last_boxed(text) == answer


LINES = {
    "Answer: 5": "5",
    "Answer: 5\nAnswer: 6\nso": "6",
    "**Answer:** 5": "5",
    "**Answer: 5**": "5",
    "**Final Answer**: **B**": "B",
    "### Answer: x y": "x y",
    "> answer: 5": "5",
    "The final answer is: 5": "5",
    "Answer:\n\n18\nindeed": "18",
    "**Answer:**\n18": "18",
    "Answer: **bold** and **b**": "**bold** and **b**",
    "Answer: _x_": "x",
    "the Answer: 5": "5",
    "My answer: 5": None,
    "Answers: 5": None,
    "Answer 5": None,
    "Answer:": None,
}


@pytest.mark.parametrize(("text", "answer"), LINES.items())
def test_the_last_line_that_says_answer(text, answer):
    assert answer_line(text) == answer


STATED = {
    "So the answer is 18.": "18",
    "So the answer is: $18$.": "$18$",
    "Final Answer: The final answer is $5$. I hope it is correct.": "$5$",
    "The answer is 4. Wait, the answer is 5": "5",
    "Answer: 5\nThe answer is 6": "5",
    "The answer isn't 5": None,
    "It is 5": None,
}


@pytest.mark.parametrize(("text", "answer"), STATED.items())
def test_the_answer_in_a_sentence(text, answer):
    assert stated_answer(text) == answer


NUMBERS = {
    "1 and 2": "2",
    "it costs $1,234.50.": "$1,234.50",
    "x=-5": "-5",
    "3-5": "5",
    "10 - 3": "3",
    "50%": "50%",
    "50\\%": "50\\%",
    "1.5e3 m": "1.5e3",
    "\u22127": "\u22127",
    "-$3": "-$3",
    "2/3": "3",
    "x5 and v1.2.3": None,
    "five": None,
}


@pytest.mark.parametrize(("text", "answer"), NUMBERS.items())
def test_the_last_number(text, answer):
    assert last_number(text) == answer


def test_the_last_hashes_and_the_last_line():
    assert hashed_answer("2 + 2 = <<2+2=4>>4\n#### 1,000") == "1,000"
    assert hashed_answer("so #### 5") is None
    assert last_line("a\n **b** \n\n") == "b"
    assert last_line(" \n") is None


def test_the_order_of_places():
    """An answer line, then a box, then a block; all of them outside the thought, inside the last answer."""
    block = "```\n3\n```"
    assert last_answer(read_reply(f"Answer: 1\n\\boxed{{2}}\n{block}")) == "1"
    assert last_answer(read_reply(f"\\boxed{{2}}\n{block}")) == "2"
    assert last_answer(read_reply(f"so\n{block}")) == "3"
    assert last_answer(read_reply("<think>Answer: 1</think> so")) is None
    assert last_answer(read_reply("Answer: 1\n<answer>\nAnswer: 2\n</answer>\nAnswer: 3")) == "2"


HARD = (
    "\\boxed{",
    "\\boxed",
    "Answer:",
    "Answer: ",
    "answer is ",
    "####",
    " ",
    "*",
    "1,234",
    "9,",
    "-",
    "$",
    "{",
    "\\",
    "I hope ",
)


@pytest.mark.parametrize("unit", HARD)
def test_no_text_is_too_hard(unit):
    """Linear: twenty times the text takes less than a hundred times as long; quadratic rules would take four hundred."""
    short, long = ("\\boxed{\nAnswer:" + (unit * size)[:size] for size in (5_000, 100_000))

    def seconds(text):
        began = time.process_time()
        for rule in RULES:
            rule(text)
        return time.process_time() - began

    assert seconds(long) < 100 * min(seconds(short) for _ in range(3)) + 0.05


@given(st.text(alphabet="\\boxed{} Answer:is#5,.$*_\n\t-\u0660"))
def test_no_text_is_an_error(text):
    for rule in RULES:
        found = rule(text)
        assert found is None or found == found.strip()
