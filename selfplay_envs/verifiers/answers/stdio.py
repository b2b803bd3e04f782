"""`stdio`: the answer is a program that reads standard input, and right when it writes what every case expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.errors import UsageError
from ...replies.parsing import Parsed, fence
from ...tasks.problem import Problem
from ..findings import Checking
from ..stdio import check_stdio
from .base import AnswerVerifier, Extraction
from .columns import limits_of, read_id, read_list, read_text


class Stdio(AnswerVerifier):
    """Runs the last `python` block of a reply on every case; see `report_stdio` for what counts as the same output.

    Reasons: `no_program_block`, and those of `report_stdio`.

    Args:
        exact: Whether every character counts, white space too.
        float_tolerance: If given, decimal numbers that differ by at most this, absolutely or relatively, agree.
        timeout_s: CPU seconds for a case, 0.01 to 60.
    """

    poses = "program"
    request = "Answer with a whole program in a ```python block. It reads standard input and writes standard output."
    columns = ("question", "inputs", "outputs")

    def __init__(self, *, exact: bool = False, float_tolerance: float | None = None, timeout_s: float = 3.0) -> None:
        if float_tolerance is not None and (exact or not 0 < float_tolerance < float("inf")):
            raise UsageError(f"float_tolerance={float_tolerance!r} must be positive and finite, and needs exact=0.")
        self.exact = exact
        self.float_tolerance = float_tolerance
        self.limits = limits_of(timeout_s)

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """A question with `inputs` and `outputs`, or with `cases`: pairs of them, or `{"input": ..., "output": ...}`.

        A row may have an `answer`, a reference solution.
        """
        question = read_text(row, "question")
        if not question.strip():
            raise UsageError("question='' shows nothing; give a question.")
        cases = _read_cases(row)
        return Problem(
            id=read_id(row),
            fields={"question": question},
            answer=read_text(row, "answer") or None,
            data={"cases": [[stdin, stdout] for stdin, stdout in cases]},
        )

    def extract(self, reply: Parsed) -> Extraction:
        """The last `python` block."""
        blocks = reply.bodies("python")
        return Extraction(blocks[-1]) if blocks else Extraction(fault="no_program_block")

    def check(self, problem: Problem, answer: str) -> Checking:
        """Runs the program on every case."""
        cases = [(stdin, stdout) for stdin, stdout in problem.data["cases"]]
        tolerance, limits = self.float_tolerance, self.limits
        return (yield from check_stdio(answer, cases, exact=self.exact, float_tolerance=tolerance, limits=limits))

    def write(self, answer: str) -> str:
        """One `python` block."""
        return fence("python", answer)


def _read_cases(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Pairs of standard input and output."""
    if "cases" in row:
        cases = [(case["input"], case["output"]) if isinstance(case, Mapping) else case for case in read_list(row, "cases")]
    else:
        inputs, outputs = read_list(row, "inputs"), read_list(row, "outputs")
        if len(inputs) != len(outputs):
            raise UsageError(f"inputs has {len(inputs)} and outputs has {len(outputs)}; give one output for every input.")
        cases = list(zip(inputs, outputs, strict=True))
    for case in cases:
        if not isinstance(case, list | tuple) or len(case) != 2 or not all(isinstance(text, str) for text in case):
            raise UsageError(f"cases: {case!r:.60} is no pair of texts, of what is read and what is to be written.")
    return [(stdin, stdout) for stdin, stdout in cases]
