"""`deduction`, `abduction`, `induction`: fixed code tasks, judged by execution as in the games of these names."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ...core.errors import UsageError
from ...replies.code_answers import argument_list, labelled_answer, returned_value
from ...replies.parsing import Parsed, fence
from ...tasks.code_task import CodeTask
from ...tasks.problem import Problem
from ..findings import Checking
from ..stated_tasks import check_stated_input, check_stated_output, check_stated_program, literal_call, literal_value
from .base import AnswerVerifier, Extraction
from .columns import read_id, read_list, read_text


class CodeVerifier(AnswerVerifier):
    """Base of the three.

    A row holds a code task in one of these forms: `program`, `inputs`, `outputs`; `snippet` in place of `program`; `snippet` or
    `code` with one `input` and one `output`. It may have a `message`. Inputs are argument lists of `f`, outputs values.

    Args:
        strict: Whether values must agree in type too: `True`, `1` and `1.0` differ.
        expressions: Whether expressions count, in rows and in answers to deduction and abduction: evaluated in the sandbox,
            where `expression_fault` finds nothing in them. Otherwise only literals do.
    """

    columns = ("program", "inputs", "outputs")

    def __init__(self, *, strict: bool = False, expressions: bool = False) -> None:
        self.strict = strict
        self.expressions = expressions

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """The code task of a row, with its texts as they are."""
        task = _read_task(row)
        if not self.expressions:
            texts = [("input", text) for text in task.inputs if literal_call(text) is None]
            texts += [("output", text) for text in task.outputs if literal_value(text) is None]
            for name, text in texts:
                raise UsageError(
                    f"{name}={text!r:.60} is no literal; give verifier={self.poses}:expressions=1 to have it evaluated."
                )
        return Problem(id=read_id(row), fields=self.fields(task), answer=self.answer(task), data=task.to_json())

    def key(self, problem: Problem) -> str:
        """Its program."""
        return self.task(problem).program

    @staticmethod
    def task(problem: Problem) -> CodeTask:
        """The code task of a problem."""
        return CodeTask.from_json(problem.data, "the problem's data")

    @abstractmethod
    def fields(self, task: CodeTask) -> dict[str, str]:
        """What a prompt may show of a task."""

    @abstractmethod
    def answer(self, task: CodeTask) -> str:
        """The gold answer."""


class Deduction(CodeVerifier):
    """The answer is the returned value.

    It is found by `labelled_answer` under `output`; of an equation such as `assert f(2) == 4` the right side counts.

    Reasons: `no_output_block`, `not_literal`; with `expressions` those of `expression_fault` in place of the latter.
    """

    poses = "deduction"
    request = "Answer with the returned value as a Python literal in an ```output block."

    def fields(self, task: CodeTask) -> dict[str, str]:
        """Program and input."""
        return {"program": task.program, "input": task.inputs[0]}

    def answer(self, task: CodeTask) -> str:
        """The output."""
        return task.outputs[0].strip()

    def extract(self, reply: Parsed) -> Extraction:
        """A value."""
        answer = labelled_answer(reply, "output")
        return Extraction(fault="no_output_block") if answer is None else Extraction(returned_value(answer))

    def check(self, problem: Problem, answer: str) -> Checking:
        """Compares it with the output, by value."""
        return (yield from check_stated_output(self.task(problem), answer, strict=self.strict, expressions=self.expressions))

    def write(self, answer: str) -> str:
        """One `output` block."""
        return fence("output", answer)


class Abduction(CodeVerifier):
    """The answer is an argument list that gives the output.

    It is found by `labelled_answer` under `input`; of `assert f(2) == 4` and `f(2)`, what the parentheses hold counts.

    Reasons: `no_input_block`, `not_literal`, `input_too_long`; with `expressions` those of `expression_fault` in their place.
    """

    poses = "abduction"
    request = "Answer with the argument list of `f` as Python literals in an ```input block."

    def fields(self, task: CodeTask) -> dict[str, str]:
        """Program and output."""
        return {"program": task.program, "output": task.outputs[0]}

    def answer(self, task: CodeTask) -> str:
        """The input."""
        return task.inputs[0].strip()

    def extract(self, reply: Parsed) -> Extraction:
        """An argument list."""
        answer = labelled_answer(reply, "input")
        return Extraction(fault="no_input_block") if answer is None else Extraction(argument_list(answer))

    def check(self, problem: Problem, answer: str) -> Checking:
        """Runs it through the program."""
        return (yield from check_stated_input(self.task(problem), answer, strict=self.strict, expressions=self.expressions))

    def write(self, answer: str) -> str:
        """One `input` block."""
        return fence("input", answer)


class Induction(CodeVerifier):
    """The answer is the last `python` block, a program that reproduces the hidden half of the pairs (`CodeTask.hidden`).

    Reasons: `no_program_block`, and those of `program_fault`.
    """

    poses = "induction"
    request = "Answer with the program in a ```python block; its function is named `f`."

    def problem(self, row: Mapping[str, Any]) -> Problem:
        """A task with at least one pair to show and one to hide."""
        count = len(_read_task(row).inputs)
        if count < 2:
            raise UsageError(f"inputs has {count}; an induction task needs at least 2, to show and to hide.")
        return super().problem(row)

    def fields(self, task: CodeTask) -> dict[str, str]:
        """The message, and the shown half of the pairs as fenced blocks."""
        shown = task.shown
        blocks = [
            fence("input", call) + "\n" + fence("output", value)
            for call, value in zip(shown.inputs, shown.outputs, strict=True)
        ]
        return {"message": task.message, "pairs": "\n".join(blocks)}

    def answer(self, task: CodeTask) -> str:
        """The task's own program."""
        return task.program

    def extract(self, reply: Parsed) -> Extraction:
        """The last `python` block."""
        blocks = reply.bodies("python")
        return Extraction(blocks[-1]) if blocks else Extraction(fault="no_program_block")

    def check(self, problem: Problem, answer: str) -> Checking:
        """Runs it on the hidden half."""
        hidden = self.task(problem).hidden
        return (yield from check_stated_program(hidden, answer, strict=self.strict, expressions=self.expressions))

    def write(self, answer: str) -> str:
        """One `python` block."""
        return fence("python", answer)


def _read_task(row: Mapping[str, Any]) -> CodeTask:
    """The code task of a row in one of the forms that `CodeVerifier` lists."""
    name = next((name for name in ("program", "snippet", "code") if name in row), "program")
    program = row[name]
    if not isinstance(program, str) or not program.strip():
        raise UsageError(f"{name}={program!r:.60} is no program.")
    several = "inputs" in row
    inputs, outputs = [read_list(row, f"{column}s") if several else [row[column]] for column in ("input", "output")]
    if len(inputs) != len(outputs):
        raise UsageError(f"inputs has {len(inputs)} and outputs has {len(outputs)}; give one output for every input.")
    for column, texts in (("input", inputs), ("output", outputs)):
        for text in texts:
            if not isinstance(text, str):
                raise UsageError(f"{column}={text!r:.60} is not a text; write the value as Python source, such as '[1, 2]'.")
    return CodeTask(program=program, inputs=tuple(inputs), outputs=tuple(outputs), message=read_text(row, "message"))
