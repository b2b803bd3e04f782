"""Programs that read standard input and write standard output, as in programming contests.

The sandbox is given the program and an input, and returns its output. The expected output stays on the host, which
compares text with text.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Generator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandboxes import CallOutcome, Job, Limits, NotALiteral, Status, canonical, parse_literal

from ..core.errors import UsageError
from ..core.game import Request
from ..core.syntax import module_tree
from .findings import RIGHT, WRONG, Checking, Report, growing_batches

LIMITS = Limits(cpu_s=3.0, wall_s=12.0)
MAX_PROGRAM_BYTES = 32_768
"""Half of what a job may hold; the rest is for the input of a case."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMERAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _text_of(*names: str) -> str:
    """The text of modules in `inside`, one after another, without comments and docstrings: a call has little room."""
    whole = ast.parse("\n".join((Path(__file__).parent / "inside" / name).read_text(encoding="utf-8") for name in names))
    for node in ast.walk(whole):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [statement for statement in node.body if _is_needed(statement)] or [ast.Pass()]
    return "from __future__ import annotations\n" + ast.unparse(whole)


def _is_needed(statement: ast.stmt) -> bool:
    """False of docstrings, and of imports of one of these modules in another and of a future that is there already."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module != "__future__" and not statement.level
    return not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


_INSIDE = ", ".join(map(repr, (_text_of("stdio_file.py", "stdio.py"), _text_of("stdio_turns.py", "stdio_threads.py"))))


def check_stdio(
    program: str,
    cases: Sequence[tuple[str, str]],
    *,
    exact: bool = False,
    float_tolerance: float | None = None,
    limits: Limits = LIMITS,
) -> Checking:
    """Whether a program answers every case; see `report_stdio`, whose reasons it returns.

    Returns:
        `right`, `wrong`, or the first reason why some case is neither.
    """
    report = yield from report_stdio(program, cases, exact=exact, float_tolerance=float_tolerance, limits=limits)
    return report.finding


def report_stdio(
    program: str,
    cases: Sequence[tuple[str, str]],
    *,
    exact: bool = False,
    float_tolerance: float | None = None,
    limits: Limits = LIMITS,
) -> Generator[list[Request], list[Any], Report]:
    """The finding of each case on a program; each runs in a process of its own.

    White space at the ends of lines, and empty lines at the end, do not count.

    Args:
        program: The tested program: hostile. It runs as `__main__`.
        cases: Pairs of standard input and expected standard output.
        exact: Whether every character counts, white space too.
        float_tolerance: If given, words that are decimal numbers agree when they differ by at most this, or by at most
            this times the expected number; otherwise words are text. Where digits with or without a sign are expected, an
            integer is, and only exactly that number will do, however it is written: `5.0`, `+5`, `05` or `50e-1` for `5`.
        limits: Of each case; `output_bytes` limits what it may write.

    Returns:
        Per case `right` or `wrong` (another output, an exception, an exit code, a limit), or a reason. For all cases
        alike: `program_too_long`, `syntax_error`. For each case: `stdin_too_long` (with the program, more than a job holds),
        `stdout_too_long` (more is expected than `limits` let it write), `worker_lost`, and `not_run` (a case before it ran
        out of time or memory; cases run a few at a time).

    Raises:
        UsageError: There is no case, or the options contradict each other.
    """
    if not cases:
        raise UsageError("cases=() holds no case, which every program would pass; give at least one.")
    if float_tolerance is not None and (exact or not 0 < float_tolerance < math.inf):
        raise UsageError(f"float_tolerance={float_tolerance!r} must be positive and finite, and needs exact=False.")
    if len(program.encode("utf-8", "surrogatepass")) > MAX_PROGRAM_BYTES:
        return Report(("program_too_long",) * len(cases))
    if module_tree(program) is None:
        return Report(("syntax_error",) * len(cases))
    parts: list[str] = []
    for chunk in growing_batches(cases):
        outcomes = yield [_job(program, stdin, limits) for stdin, _ in chunk]
        calls: list[CallOutcome] = [outcome.calls[0] for outcome in outcomes]
        for call, (_, expected) in zip(calls, chunk, strict=True):
            too_long = len(canonical(expected).encode("utf-8", "surrogatepass")) > limits.output_bytes
            parts.append("stdout_too_long" if too_long else _read(call, expected, exact, float_tolerance))
        if any(call.status in (Status.TIMEOUT, Status.MEMORY) for call in calls):
            break
    return Report((*parts, *("not_run",) * (len(cases) - len(parts))))


def same_output(written: str, expected: str, *, exact: bool = False, float_tolerance: float | None = None) -> bool:
    """Whether two outputs are the same by the rules of `report_stdio`."""
    if exact:
        return written == expected
    lines, expected_lines = _lines(written), _lines(expected)
    if float_tolerance is None or lines == expected_lines:
        return lines == expected_lines
    return len(lines) == len(expected_lines) and all(
        _same_words(line.split(), expected_line.split(), float_tolerance)
        for line, expected_line in zip(lines, expected_lines, strict=True)
    )


def _job(program: str, stdin: str, limits: Limits) -> Job:
    # The input is part of the program, not an argument: arguments are capped lower, and a process should serve one case.
    text = f"""
def run(inside, threads):
    names = {{}}
    exec(inside, names)
    return names["run_main"]({program!r}, {stdin!r}, threads)
"""
    return Job(program=text, calls=(_INSIDE,), entry_point="run", limits=limits)


def _read(call: CallOutcome, expected: str, exact: bool, float_tolerance: float | None) -> str:
    if call.status is Status.FORBIDDEN:
        return "stdin_too_long"
    if call.status is Status.WORKER_LOST:
        return "worker_lost"
    if call.status is not Status.OK or call.value is None:
        return WRONG
    try:
        written = parse_literal(call.value, len(call.value))
    except NotALiteral:
        return WRONG
    same = isinstance(written, str) and same_output(written, expected, exact=exact, float_tolerance=float_tolerance)
    return RIGHT if same else WRONG


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _same_words(words: Sequence[str], expected: Sequence[str], tolerance: float) -> bool:
    return len(words) == len(expected) and all(_same_word(a, b, tolerance) for a, b in zip(words, expected, strict=True))


def _same_word(word: str, expected: str, tolerance: float) -> bool:
    if word == expected:
        return True
    if not (_NUMERAL.fullmatch(word) and _NUMERAL.fullmatch(expected)):
        return False
    if _INTEGER.fullmatch(expected):
        return _exactly(word) == _exactly(expected)
    value, target = float(word), float(expected)
    return math.isfinite(value) and math.isfinite(target) and abs(value - target) <= tolerance * max(1.0, abs(target))


def _exactly(numeral: str) -> Decimal | None:
    """The number that a numeral spells, digit for digit; None if its exponent is beyond all reason."""
    try:
        return Decimal(numeral)
    except ArithmeticError:
        return None
