"""Unit tests in the style of HumanEval and MBPP, judged out of reach of the program that they test.

The tests never share a process with the tested program, which could patch `AssertionError`, return objects that equal
everything, or leave before the first assert. They run in jobs of their own, where the candidate is a table of what it
returned: literals, and values of the library's types such as a Counter, built anew. A run whose table lacks calls says
which; those are made in the tested program's sandbox, and the test runs again. So the tested program sees arguments only,
and says values only; `right` is said by the test alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandboxes import CallOutcome, Job, Limits, NotALiteral, Outcome, Status, canonical, parse_literal

from .errors import UsageError
from .expressions import argument_text
from .findings import WRONG, Finding, Report, instalments
from .game import Request
from .observation import Observation, observing_job, read_observation
from .programs import parse_program
from .unit_test_code import NOT_EXPRESSIBLE, code_fault

LIMITS = Limits(cpu_s=3.0, wall_s=12.0)
MAX_ROUNDS = 50
ASKS_PER_RUN = 256
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
"""Where the types come from whose names may stand in a table; imported where they do, since some take a while."""
_INSIDE = Path(__file__).with_name("unit_tests_inside.py").read_text(encoding="utf-8")


def check_unit_tests(
    program: str, entry_point: str, tests: str | Sequence[str], *, prelude: str = "", limits: Limits = LIMITS
) -> Finding:
    """Whether a program passes all unit tests; see `report_unit_tests`, whose reasons it returns.

    Returns:
        `right`, `wrong`, or the first reason why some test can say neither.
    """
    report = yield from report_unit_tests(program, entry_point, tests, prelude=prelude, limits=limits)
    return report.finding


def report_unit_tests(
    program: str, entry_point: str, tests: str | Sequence[str], *, prelude: str = "", limits: Limits = LIMITS
) -> Generator[list[Request], list[Any], Report]:
    """What each unit test says about a program.

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
        # Copied arguments hide what the program did to them. Where that decides a test, nobody was asked what counts.
        again = yield from _run_all(suite, in_place=True)
        parts = [one if one == other else NOT_EXPRESSIBLE for one, other in zip(parts, again, strict=True)]
    return Report(tuple(parts))


@dataclass(slots=True)
class _Suite:
    """One program and its tests; the table of its calls, by argument list, grows as tests ask."""

    program: str
    entry_point: str
    prelude: str
    tests: tuple[str, ...]
    limits: Limits
    table: dict[str, Observation] = field(default_factory=dict[str, Observation])

    def fault(self, test: str) -> str:
        """Why a test cannot be run against a table, or nothing."""
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
    """The finding of every test: runs them, makes the calls that they ask for, and runs those tests again."""
    findings = {number: fault for number, test in enumerate(suite.tests) if (fault := suite.fault(test))}
    budgets = dict.fromkeys(range(len(suite.tests)), ASKS_PER_RUN)
    for _ in range(MAX_ROUNDS):
        running = [number for number in budgets if number not in findings]
        if not running:
            break
        [outcome] = yield [suite.test_job(f"{number}, {budgets[number]}, {in_place}" for number in running)]
        wanted: dict[str, str] = {}
        for number, call in zip(running, outcome.calls, strict=True):
            answer = _read_run(call, budgets[number])
            if isinstance(answer, str):
                findings[number] = answer
            elif answer:
                wanted |= answer
            else:
                budgets[number] = 1
        fault = yield from _observe(suite, wanted)
        if fault:
            findings |= {number: fault for number in running if number not in findings}
    return [findings.get(number, "too_many_calls") for number in budgets]


def _read_run(call: CallOutcome, budget: int) -> str | dict[str, str]:
    """The finding of a test's run, or the calls it asks for: canonical `[positional, keywords]` by argument list.

    None are asked for by a run that took too long while it was looking for calls: it is to be run again without that.
    """
    match call.status:
        case Status.OK:
            try:
                said, asked = parse_literal(call.value or "", _REPLY_BYTES)
                return said if asked is None else {argument_text(*arguments): canonical(arguments) for arguments in asked}
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


def _observe(suite: _Suite, wanted: dict[str, str]) -> Generator[list[Request], list[Any], str]:
    """Makes the wanted calls of the tested program and enters them into the table; returns a reason why it cannot.

    In instalments, and no further once a call reached its limits: a program that hangs in every call costs a few of them
    only. Tests that need the rest will ask again.
    """
    for texts in instalments(list(wanted)):
        outcome: Outcome
        [outcome] = yield [observing_job(suite.program, suite.entry_point, texts, suite.limits)]
        for text, call in zip(texts, outcome.calls, strict=True):
            if call.status in _FAULTS:
                return _FAULTS[call.status]
            suite.table[text] = read_observation(wanted[text], call)
        if sum(len(row.text) for row in suite.table.values()) > MAX_TABLE_CHARS:
            return "test_too_long"
        if any(call.status in (Status.TIMEOUT, Status.MEMORY) for call in outcome.calls):
            break
    return ""
