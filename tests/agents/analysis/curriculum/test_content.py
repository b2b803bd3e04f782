"""Shapes and operations of tasks, against programs and instructions read by hand, and of texts that are nothing at all."""

from __future__ import annotations

import pytest

from agents.analysis.curriculum.content import Content, content_of, instruction_content, program_content

PROGRAM = "def f(x):\n    y = sorted(x)[0]\n    return y + len(x) * 2 if y else x.upper()"


def shape(source: str) -> str | None:
    return program_content(source).shape


def test_names_constants_and_annotations_do_not_change_a_shape() -> None:
    assert shape(PROGRAM) == shape(
        "def f(text: str) -> int:\n    z = set(text)[9]  # other\n    return z + abs(text) * 'b' if z else text.strip()"
    )


@pytest.mark.parametrize(
    "other",
    [
        PROGRAM.replace("*", "-"),
        PROGRAM.replace("[0]", ""),
        PROGRAM.replace("if y", "if not y"),
        PROGRAM.replace("[0]", "[:0]"),
        PROGRAM + "\n    return 1",
    ],
)
def test_operators_and_structure_do(other: str) -> None:
    assert shape(other) != shape(PROGRAM)


def test_what_stands_where_counts() -> None:
    assert shape("def f(x):\n    return x[1:]") != shape("def f(x):\n    return x[:1]")
    assert shape("def f(x):\n    return (x + 1) * 2") != shape("def f(x):\n    return 1 * (x + 2)")
    assert shape("if a:\n    b\n    c") != shape("if a:\n    b\nc")


def test_operations_of_a_program_by_hand() -> None:
    assert sorted(program_content(PROGRAM).operations) == sorted(
        ["Assign", "Subscript", "sorted()", "IfExp", "Add", "len()", "Mult", ".upper()"]
    )
    assert program_content("def g(x):\n    return x\ndef f(x):\n    x += 1\n    return g(g(x))").operations == (
        "AugAssign",
        "Add",
        "own()",
        "own()",
    )


def test_instructions_of_clauses() -> None:
    both = instruction_content("use exactly 5 words; use only lowercase")
    assert both == Content("case; count", ("count", "case"))
    assert instruction_content("Use only UPPERCASE. ; use exactly 12 words").shape == both.shape
    assert instruction_content("use only lowercase; sing").operations == ("case", "other")
    ifeval = instruction_content('do not use any commas; include the keyword "a; b"')
    assert len(ifeval.operations) == 2  # a semicolon between quotation marks ends no clause


def test_other_texts_have_words_and_no_shape() -> None:
    assert instruction_content("Write a song, write!") == Content(None, ("write", "a", "song", "write"))
    assert content_of({"question": "How many?", "answer": 3}) == Content(None, ("how", "many"))


def test_a_task_without_texts_is_nothing() -> None:
    assert content_of({}) == Content(None, ())
    assert content_of({"program": None, "instruction": ["a"]}) == Content(None, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "\ud800",
        "(" * 8_000,
        "x" + ".a" * 4_000,
        "-" * 8_000 + "1",
        "a" * 9_000,
        "def f(",
        "x\u0301" * 4_000,
        ";" * 3_000,
    ],
)
def test_hostile_texts_do_no_harm(text: str) -> None:
    for task in ({"program": text}, {"instruction": text}, {"question": text * 40}):
        content = content_of(task)
        assert content == content_of(task)


def test_each_text_that_is_no_program_is_a_shape_of_its_own() -> None:
    assert shape("def f(") is not None
    assert shape("def f(") == shape("def f(")
    assert len({shape("def f("), shape("def g("), shape("a" * 9_000), shape("\x00"), shape("\ud800 (")}) == 5
    assert program_content("def f(").operations == ()
