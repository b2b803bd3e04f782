"""Unit tests in the style of HumanEval and MBPP, judged out of reach of the program that they test.

The tests never share a process with the tested program, which could patch `AssertionError`, return objects that equal
everything, or leave before the first assert. They run in jobs of their own, where the candidate is a table of its returned
values: literals, and values of the library's types such as a Counter, built anew. A run whose table lacks calls lists them;
they are made in the tested program's sandbox, and the test runs again. So the tested program sees arguments only, and
returns values only; `right` comes from the test alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandboxes import CallOutcome, Job, Limits, NotALiteral, Outcome, Status, canonical, parse_literal

from ..core.errors import UsageError
from ..core.game import Request
from ..tasks.programs import parse_program
from .expressions import argument_text
from .findings import WRONG, Checking, Report, growing_batches
from .observation import Observation, observing_job, read_observation
from .unit_test_code import NOT_EXPRESSIBLE, code_fault

LIMITS = Limits(cpu_s=3.0, wall_s=12.0)
MAX_ROUNDS = 50
UNKNOWN_CALLS_PER_RUN = 256
MAX_TABLE_CHARS = 48_000  # a job's program, with the tests and ours, is at most 64 KiB
_REPLY_BYTES = 1 << 20

_FAULTS = {
    Status.SYNTAX_ERROR: "syntax_error",
    Status.FORBIDDEN: NOT_EXPRESSIBLE,  # arguments longer than a sandbox reads
    Status.WORKER_LOST: "worker_lost",
}
_LIBRARY = {
    **dict.fromkeys(("Counter", "OrderedDict", "defaultdict"), "collections"),
    "Fraction": "fractions",
    "Decimal": "decimal",
}
"""Modules of the types whose names may stand in a table; imported only where they do, since some take a while."""
_INSIDE = (Path(__file__).parent / "inside" / "unit_tests.py").read_text(encoding="utf-8")


def check_unit_tests(
    program: str, entry_point: str, tests: str | Sequence[str], *, prelude: str = "", limits: Limits = LIMITS
) -> Checking:
    """Whether a program passes all unit tests; see `report_unit_tests`, whose reasons it returns.

    Returns:
        `right`, `wrong`, or the first reason why some test is neither.
    """
    report = yield from report_unit_tests(program, entry_point, tests, prelude=prelude, limits=limits)
    return report.finding


def report_unit_tests(
    program: str, entry_point: str, tests: str | Sequence[str], *, prelude: str = "", limits: Limits = LIMITS
) -> Generator[list[Request], list[Any], Report]:
    """The finding of each unit test on a program.

    Args:
        program: The tested program: hostile.
        entry_point: The function that the tests call, by this name or, in a function `check`, as their argument.
        tests: Test code, each judged on its own: one text that defines `check(candidate)`, or a list of asserts. Honest, but
            it runs in a sandbox too.
        prelude: Trusted code that the tests use, such as imports, or the prompt with its auxiliary functions. Nothing that
            the tested program defines reaches the tests but its entry point.
        limits: Of each call of the program, and of each run of a test.

    Returns:
        Per test `right` or `wrong` (an assert failed, or a call did not return), or a reason. For all tests alike:
        `program_too_long`, `syntax_error`, `worker_lost`. For each test: `test_not_expressible` (it does not compile, never
        calls the candidate, uses a name that nobody defines, a module that is not there or code as text, passes what is no
        plain literal, or depends on whether the program changes its arguments in place), `test_too_long` (with the table
        more than a job holds), `too_many_calls`, `value_not_literal` (it failed, and the program had returned what
        `canonical` does not write, or a too long value). A call is taken to give the same result each time. A defaultdict
        comes without its factory, and a named tuple without the methods of its class.

    Raises:
        UsageError: There is no test, or `entry_point` is not a name.
    """
    tests = (tests,) if isinstance(tests, str) else tuple(tests)
    if not tests:
        raise UsageError("tests=() holds no test, which every program would pass; give at least one.")
    if not entry_point.isidentifier():
        raise UsageError(f"entry_point={entry_point!r} is not a name; give the name of the function that the tests call.")
    tree = parse_program(program)
    if isinstance(tree, str):
        return Report((tree,) * len(tests))
    suite = _Suite(program, entry_point, prelude, tests, limits)
    parts = yield from _run_all(suite, in_place=False)
    if any(row.changes_arguments for row in suite.table.values()):
        # Copied arguments hide what the program did to them. Where that decides a test, the test does not say what counts.
        changed_in_place = yield from _run_all(suite, in_place=True)
        parts = [
            finding if finding == other else NOT_EXPRESSIBLE for finding, other in zip(parts, changed_in_place, strict=True)
        ]
    return Report(tuple(parts))


@dataclass(slots=True)
class _Suite:
    """One program and its tests; the table of its calls, by argument list, grows as tests need calls."""

    program: str
    entry_point: str
    prelude: str
    tests: tuple[str, ...]
    limits: Limits
    table: dict[str, Observation] = field(default_factory=dict[str, Observation])

    def fault(self, test: str) -> str:
        """The reason why a test cannot be run against a table, or nothing."""
        return code_fault(self.prelude, test, self.entry_point)

    def test_job(self, calls: Iterable[str]) -> Job:
        """Runs tests against the table; a call is `number of the test, budget, in_place`."""
        rows = ", ".join(row.text for row in self.table.values())
        imports = "".join(f"from {module} import {name}\n" for name, module in _LIBRARY.items() if f"{name}(" in rows)
        run = f"run_test({self.entry_point!r}, {self.prelude!r}, {self.tests!r}[number], [{rows}], budget, in_place)"
        program = f"{_INSIDE}\n{imports}\ndef run(number, budget, in_place):\n    return {run}\n"
        limits = replace(self.limits, output_bytes=_REPLY_BYTES)
        return Job(program=program, calls=tuple(calls), entry_point="run", limits=limits, may_meet=True)


def _run_all(suite: _Suite, in_place: bool) -> Generator[list[Request], list[Any], list[str]]:
    """The finding of every test: runs them, makes the calls that they lack, and runs those tests again."""
    findings = {number: fault for number, test in enumerate(suite.tests) if (fault := suite.fault(test))}
    budgets = dict.fromkeys(range(len(suite.tests)), UNKNOWN_CALLS_PER_RUN)
    for _ in range(MAX_ROUNDS):
        running = [number for number in budgets if number not in findings]
        if not running:
            break
        [outcome] = yield [suite.test_job(f"{number}, {budgets[number]}, {in_place}" for number in running)]
        missing: dict[str, str] = {}
        for number, call in zip(running, outcome.calls, strict=True):
            answer = _read_run(call, budgets[number])
            if isinstance(answer, str):
                findings[number] = answer
            elif answer:
                missing |= answer
            else:
                budgets[number] = 1
        fault = yield from _observe(suite, missing)
        if fault:
            findings |= {number: fault for number in running if number not in findings}
    return [findings.get(number, "too_many_calls") for number in budgets]


def _read_run(call: CallOutcome, budget: int) -> str | dict[str, str]:
    """The finding of a test's run, or the calls it lacks: canonical `[positional, keywords]` by argument list.

    A run that took too long while it was looking for calls lacks none: it is to be run again without looking.
    """
    match call.status:
        case Status.OK:
            try:
                finding, missing = parse_literal(call.value or "", _REPLY_BYTES)
                calls = {argument_text(*arguments): canonical(arguments) for arguments in missing or ()}
                return finding if missing is None else calls
            except (NotALiteral, TypeError, ValueError):  # test code that answered in our place
                return NOT_EXPRESSIBLE
        case Status.TIMEOUT if budget > 1:
            return {}
        case Status.FORBIDDEN:
            return "test_too_long"
        case Status.NOT_SERIALISABLE | Status.OUTPUT_TOO_LARGE | Status.SYNTAX_ERROR:
            return NOT_EXPRESSIBLE
        case Status.WORKER_LOST:
            return "worker_lost"
        case _:
            return WRONG


def _observe(suite: _Suite, calls: dict[str, str]) -> Generator[list[Request], list[Any], str]:
    """Makes calls of the tested program and enters them into the table; returns a reason why it cannot.

    In growing batches, and no further once a call reached its limits: a program that hangs in every call costs a few of them
    only. Tests that need the rest will list them again.
    """
    for texts in growing_batches(list(calls)):
        outcome: Outcome
        [outcome] = yield [observing_job(suite.program, suite.entry_point, texts, suite.limits)]
        for text, call in zip(texts, outcome.calls, strict=True):
            if call.status in _FAULTS:
                return _FAULTS[call.status]
            suite.table[text] = read_observation(calls[text], call)
        if sum(len(row.text) for row in suite.table.values()) > MAX_TABLE_CHARS:
            return "test_too_long"
        if any(call.status in (Status.TIMEOUT, Status.MEMORY) for call in outcome.calls):
            break
    return ""
