"""Validates tasks from elsewhere, many in one batch: their stated outputs must be those of the program."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from sandboxes import canonical, parse_literal, same_value

from ..core.game import Request
from ..tasks.code_task import CodeTask
from ..verifiers.code_tasks import validate
from .referee import Referee


def recheck(task: CodeTask) -> Generator[list[Request], list[Any], CodeTask | str]:
    """`validate` for a task from elsewhere: its stated outputs must also be what the program returns.

    Returns:
        The task in canonical form, or a reason: `validate`'s, or `stated_output_differs`.
    """
    checked = yield from validate(task.program, task.inputs, task.message)
    if isinstance(checked, str):
        return checked
    agree = all(_states(stated, gold) for stated, gold in zip(task.outputs, checked.outputs, strict=True))
    return checked if agree else "stated_output_differs"


def _states(stated: str, gold: str) -> bool:
    """Whether a text from elsewhere spells the gold value, as a literal or as `repr` writes it (`inf` is no literal)."""
    try:
        return same_value(canonical(parse_literal(stated)), gold)
    except ValueError:  # not a literal
        pass
    try:
        return stated.strip() == repr(parse_literal(gold))
    except ValueError:  # an int of more digits than `repr` writes
        return False


def check_tasks(tasks: Iterable[CodeTask], referee: Referee) -> list[CodeTask | str]:
    """Validates tasks from elsewhere in one batch: per task its canonical form, or the reason why it is refused."""
    return [answered.value for answered in referee.answer([recheck(task) for task in tasks])]
