"""Wording of the code games: what each prompt shows, in both styles."""

import pytest

from selfplay_envs import CodeTask
from selfplay_envs.games.code.prompts import STYLES
from selfplay_envs.replies.parsing import bodies


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_every_style_asks_for_what_the_parser_reads(style):
    task = CodeTask(program="def f(x):\n    return x", inputs=("1", "2"), outputs=("1", "2"), message="hint")
    texts = {
        "propose": style.propose_pair("deduction", [task])[-1].content,
        "inputs": style.propose_induction(task.program, 4)[-1].content,
        "output": style.solve_deduction(task)[-1].content,
        "input": style.solve_abduction(task)[-1].content,
        "program": style.solve_induction(task)[-1].content,
    }
    assert bodies(texts["propose"], "python")[-1] == task.program
    assert bodies(texts["inputs"], "python") == [task.program]
    assert bodies(texts["output"], "input")[0] == "1"
    assert bodies(texts["input"], "output")[0] == "1"
    assert bodies(texts["program"], "output")[:2] == ["1", "2"]


def test_the_terse_style_is_exactly_what_the_tiny_model_was_trained_on():
    task = CodeTask(program="def f(x):\n    return x", inputs=("1",), outputs=("1",), message="int to int")
    style = STYLES["terse"]
    assert (
        style.solve_deduction(task)[0].content == "solve deduction\n```python\ndef f(x):\n    return x\n```\n```input\n1\n```"
    )
    assert (
        style.solve_abduction(task)[0].content == "solve abduction\n```python\ndef f(x):\n    return x\n```\n```output\n1\n```"
    )
    assert (
        style.solve_induction(task)[0].content
        == "solve induction\n```input\n1\n```\n```output\n1\n```\n```message\nint to int\n```"
    )
    assert style.propose_pair("deduction", [task])[0].content == (
        "propose deduction\n```python\ndef f(x):\n    return x\n```\n```input\n1\n```\n```output\n1\n```"
    )
    assert style.propose_induction(task.program, 4)[0].content == "propose induction\n```python\ndef f(x):\n    return x\n```"
