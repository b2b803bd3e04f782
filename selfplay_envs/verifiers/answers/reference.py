"""`reference`: the answer is a program, and right when it returns what a reference program returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...core.errors import UsageError
from ...core.syntax import is_argument_list
from ...tasks.completion import binds, completed
from ...tasks.problem import Problem
from ..findings import Checking
from ..reference.calls import argument_list
from ..reference.check import LIMITS, ReferenceTests, check_reference
from ..reference.oracles import ORACLES
from .columns import read_id, read_list, read_text
from .unit_tests import UnitTests, read_entry_point, whole_program


class Reference(UnitTests):
    """Calls the program in a reply, and a reference, on inputs; the form of EvalPlus's HumanEval+ and MBPP+.

    The program is found, and made whole, as for `unit-tests`.

    Reasons: `no_program_block`, `no_entry_point`, `syntax_error`, `program_too_long`.

    Args:
        base_only: Whether the inputs that a task came with count alone, without those that were added.
        strict: See `check_reference`: False compares as EvalPlus does.
        timeout_s: CPU seconds for a call, 0.01 to 60.
    """

    columns = ("question", "entry_point", "answer", "base_input")

    def __init__(self, *, base_only: bool = False, strict: bool = False, timeout_s: float = LIMITS.cpu_s) -> None:
        super().__init__(timeout_s=timeout_s)
        self.limits = replace(self.limits, memory_mib=LIMITS.memory_mib)
        self.base_only, self.strict = base_only, strict

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """A question with `entry_point`, `answer` (the reference: a program, or what goes on from `program`) and `base_input`.

        Inputs are lists of arguments, or texts such as `[1], key='a'`, evaluated in the sandbox. A row may have `plus_input`;
        `program`, a start that answers may go on from; `oracle`, a name of `reference.oracles.ORACLES`; and `atol`, the
        absolute tolerance of numbers.
        """
        start, question, entry_point = read_text(row, "program"), read_text(row, "question"), read_entry_point(row)
        reference = completed(start, read_text(row, "answer"), entry_point)
        if not question.strip():
            raise UsageError("question='' shows nothing; give a question.")
        if not binds(reference, entry_point):
            raise UsageError(f"answer={row['answer']!r:.60} makes no program with {entry_point!r}; give a whole reference.")
        oracle, tolerance = read_text(row, "oracle") or "equal", row.get("atol") or 0
        if oracle not in ORACLES:
            raise UsageError(f"oracle={oracle!r} is not known; choose one of {', '.join(ORACLES)}.")
        if not isinstance(tolerance, int | float) or not 0 <= tolerance < float("inf"):
            raise UsageError(f"atol={tolerance!r:.60} is no tolerance; give a finite number of at least 0.")
        return Problem(
            id=read_id(row),
            fields={"question": question, **({"program": start} if start else {})},
            answer=reference,
            data={
                "entry_point": entry_point,
                "program": start,
                "base": _read_calls(row, "base_input"),
                "plus": _read_calls(row, "plus_input") if row.get("plus_input") else [],
                "oracle": oracle,
                "tolerance": float(tolerance),
            },
        )

    def check(self, problem: Problem, answer: str) -> Checking:
        """Makes the program of an answer whole, and compares it with the reference."""
        program, fault = whole_program(problem, answer)
        if fault:
            return fault
        data = problem.data
        tests = ReferenceTests(
            reference=problem.answer or "",
            base=tuple(data["base"]),
            plus=tuple(data["plus"]),
            oracle=data["oracle"],
            tolerance=data["tolerance"],
        )
        options: dict[str, Any] = {"base_only": self.base_only, "strict": self.strict, "limits": self.limits}
        return (yield from check_reference(program, data["entry_point"], tests, **options))


def _read_calls(row: Mapping[str, Any], name: str) -> list[str]:
    inputs = read_list(row, name)
    for arguments in inputs:
        if not (is_argument_list(arguments) if isinstance(arguments, str) else isinstance(arguments, list | tuple)):
            raise UsageError(f"{name}: {arguments!r:.60} is no list of arguments; give one list for each call.")
    return [argument_list(arguments) for arguments in inputs]
