"""`unit-tests`: the answer is a program, or the rest of one, and right when it passes the row's tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import UsageError
from ...core.syntax import module_tree
from ...replies.code_answers import CONTINUATION, program_blocks, read_blocks
from ...replies.parsing import Parsed, fence
from ...tasks.completion import binds, completed, preamble
from ...tasks.problem import Problem
from ...tasks.programs import MAX_PROGRAM_CHARS
from ..findings import Checking
from ..unit_tests import check_unit_tests
from .base import AnswerVerifier, Extraction
from .columns import limits_of, read_id, read_text


class UnitTests(AnswerVerifier):
    """Runs tests on the program in a reply.

    The program is the last `python` block that binds the entry point, else the last `python` block; in a reply without any, all
    that counts of it. A text that does not bind the entry point goes on where the row's start ends (`tasks.completion`).
    Verdicts are those of `exec(start + answer + tests)`, but for what `report_unit_tests` names.

    Reasons: `no_program_block` (no block, and the reply does not go on where the start ends), `no_entry_point`, and those of
    `report_unit_tests`.

    Args:
        timeout_s: CPU seconds for a run of the tests, and for the calls that it makes, 0.01 to 60.
    """

    poses = "program"
    request = "Answer with the whole program in a ```python block."
    columns = ("question", "entry_point", "tests")

    def __init__(self, *, timeout_s: float = 3.0) -> None:
        self.limits = limits_of(timeout_s)

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """A question with `entry_point` and `tests`: a text that defines `check(candidate)`, or a list of asserts.

        A row may have `program`, a start such as a signature with its docstring, which answers may go on from; `prelude`, code
        that the tests use; and `answer`, a reference solution: a program, or what goes on from the start.
        """
        start, answer = read_text(row, "program"), read_text(row, "answer")
        question, prelude = read_text(row, "question") or start, read_text(row, "prelude")
        if not question.strip():
            raise UsageError("question='' shows nothing; give a question, or a program to go on from.")
        entry_point, tests = _read_tests(row)
        solution = completed(start, answer, entry_point) if answer else None
        if solution is not None and not binds(solution, entry_point):
            raise UsageError(f"answer={answer!r:.60} makes no program with {entry_point!r}; give a whole reference solution.")
        return Problem(
            id=read_id(row),
            fields={"question": question, **({"program": start} if start else {})},
            answer=solution,
            data={"entry_point": entry_point, "tests": tests, "prelude": prelude, "program": start},
        )

    def extract(self, reply: Parsed) -> Extraction:
        """The `python` blocks, or without any the reply, of which `check` takes the part that is the program."""
        answer = program_blocks(reply)
        return Extraction(answer) if answer else Extraction(fault="no_program_block")

    def check(self, problem: Problem, answer: str) -> Checking:
        """Makes the program of an answer whole, and runs the tests on it."""
        program, fault = whole_program(problem, answer)
        if fault:
            return fault
        entry_point, start, tests = (problem.data[name] for name in ("entry_point", "program", "tests"))
        prelude = f"{problem.data['prelude']}\n{preamble(start, entry_point)}"
        return (yield from check_unit_tests(program, entry_point, tests, prelude=prelude, limits=self.limits))

    def write(self, answer: str) -> str:
        """One `python` block."""
        return fence("python", answer)


def whole_program(problem: Problem, answer: str) -> tuple[str, str]:
    """The program that an answer makes of a problem's start, and the reason why it is none, or nothing."""
    entry_point, start = problem.data["entry_point"], problem.data["program"]
    blocks = read_blocks(answer)
    rest = answer.removeprefix(CONTINUATION)
    short = [block for block in blocks if len(block) <= MAX_PROGRAM_CHARS]  # a long one is not worth the time to parse it
    text = next((block for block in reversed(short) if binds(block, entry_point)), blocks[-1] if blocks else rest)
    if len(text) > MAX_PROGRAM_CHARS:
        return text, "program_too_long" if blocks else "no_program_block"
    program = completed(start, text, entry_point)
    if binds(program, entry_point) or (blocks and module_tree(program) is None):
        return program, ""
    return program, "no_entry_point" if blocks else "no_program_block"


def read_entry_point(row: Mapping[str, Any]) -> str:
    """The name of the function that tests call.

    Raises:
        UsageError: It is none.
    """
    entry_point = row["entry_point"]
    if not isinstance(entry_point, str) or not entry_point.isidentifier():
        raise UsageError(f"entry_point={entry_point!r:.60} is not a name; give the name of the function that the tests call.")
    return entry_point


def _read_tests(row: Mapping[str, Any]) -> tuple[str, str | list[str]]:
    """The name that tests call, and the tests: one text, or several."""
    entry_point, tests = read_entry_point(row), row["tests"]
    several: list[Any] = list(tests) if isinstance(tests, list | tuple) else [tests]
    if not several or not all(isinstance(test, str) and test.strip() for test in several):
        raise UsageError(f"tests={tests!r:.60} is neither a text of test code nor a list of asserts; give one of them.")
    for test in several:
        if module_tree(test) is None:
            raise UsageError(f"tests: {test!r:.60} is no Python; give code that runs.")
    return entry_point, tests if isinstance(tests, str) else several
