"""Quiet parsing: no warning of a text reaches the caller, whatever its filters are, and no thread's filters are lost."""

from __future__ import annotations

import ast
import threading
import warnings

import pytest

from sandboxes.protocol.syntax import UNPARSABLE, compile_quietly, parse_quietly, parse_source

NOISY = 'x = "\\d"\ny = 1 is 1\nassert (x, y)'


def test_what_deserves_a_warning_is_parsed_and_compiled_in_silence() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = parse_quietly(NOISY)
        assert isinstance(tree, ast.Module)
        compile_quietly(tree)
        assert parse_source(NOISY) is not None
        with pytest.raises(SyntaxError):  # which is what a warning becomes under this filter
            compile(NOISY.partition("\n")[2], "<test>", "exec")


@pytest.mark.parametrize("text", ["x = (", "\0", "x = " + "(" * 5_000, "\ud800"], ids=range(4))
def test_what_does_not_parse_raises_one_of_the_errors_that_are_named(text: str) -> None:
    with pytest.raises(UNPARSABLE):
        parse_quietly(text)
    assert parse_source(text) is None


def test_a_mark_of_byte_order_is_no_part_of_a_program() -> None:
    assert ast.dump(parse_source("\ufeffx = 1") or ast.Pass()) == ast.dump(ast.parse("x = 1"))


def test_threads_that_parse_leave_the_filters_as_they_were() -> None:
    """The filters belong to the process: two threads that swap them at once would leave one's in force."""
    before = list(warnings.filters)

    def work() -> None:
        for _ in range(300):
            parse_quietly(NOISY)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


@pytest.mark.parametrize("text", ["x{}", "f(x{})", "'e{}'"])
def test_marks_without_end_are_refused_before_python_puts_them_in_order(text: str) -> None:
    assert parse_source(text.format("\u0301\u0323" * 200_000)) is None  # as a name, hours of work under a lock
    assert parse_source(text.format("\u0301\u0323" * 50)) is not None
