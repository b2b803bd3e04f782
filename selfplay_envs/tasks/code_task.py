"""A code task: a program with checked input-output pairs, as proposers make, solvers solve and buffers keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from ..core.errors import UsageError
from ..core.hashing import short_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTask:
    """A program, argument lists and the canonical values it returns for them; `message` hints at it (induction)."""

    program: str
    inputs: tuple[str, ...]
    """Argument lists as source text, `"[1, 2], 3"`."""
    outputs: tuple[str, ...]
    """Canonical literal text of the returned values."""
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, fit for `options={"task": ...}`; `from_json` is its inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str = "options['task']") -> Self:
        """The task that `to_json` wrote.

        Raises:
            UsageError: A field is missing or of the wrong type; the sentence starts with `where`.
        """
        if not isinstance(data, Mapping):
            raise UsageError(f"{where}={data!r:.60} is not a code task; it is a dict with program, inputs and outputs.")
        missing = [name for name in ("program", "inputs", "outputs") if name not in data]
        if missing:
            raise UsageError(f"{where} lacks {missing[0]!r}; a code task has program, inputs, outputs and perhaps message.")
        program, inputs, outputs = data["program"], data["inputs"], data["outputs"]
        message = data.get("message", "")
        lists = all(isinstance(texts, list | tuple) for texts in (inputs, outputs))
        if not lists or len(inputs) != len(outputs) or not inputs:
            raise UsageError(f"{where} is not a code task; inputs and outputs are equally long lists of str, not empty.")
        if not all(isinstance(text, str) for text in (program, message, *inputs, *outputs)):
            raise UsageError(f"{where} is not a code task; program, message, inputs and outputs hold str alone.")
        return cls(program=program, inputs=tuple(inputs), outputs=tuple(outputs), message=message)

    @property
    def shown(self) -> Self:
        """The half of the pairs (rounded down) that an induction solver is shown, without the program."""
        half = len(self.inputs) // 2
        return replace(self, program="", inputs=self.inputs[:half], outputs=self.outputs[:half])

    @property
    def hidden(self) -> Self:
        """The other half of the pairs, which the solver's program must reproduce, with the task's program."""
        half = len(self.inputs) // 2
        return replace(self, inputs=self.inputs[half:], outputs=self.outputs[half:])

    @property
    def task_id(self) -> str:
        """Stable name of the task, by content."""
        return short_hash(self.to_json())


IDENTITY = CodeTask(program="def f(a):\n    return a", inputs=("'Hello world'",), outputs=("'Hello world'",))
"""The zero triplet: self-play starts from it when nothing else is known. See: Zhao et al., arXiv 2505.03335, section 3."""
