"""Code tasks from elsewhere, such as a benchmark's rows: outputs that are only stated, and expressions where they shall count.

The task's program runs for every answer, in a process of its own; where it does not return what the row states, the row is fit
for nobody, and the finding void. (`code_tasks` runs it only where no proof says that it returns what it was seen to return.)

An expression, in an answer or as a gold value that no literal spells (a `range`, a lambda), is evaluated inside the sandbox and
never here, once `tasks.answer_expressions` has found that it can compute a value and do nothing else. An output is evaluated
where the task's program is not; an argument list in the process of the call, since a lambda cannot travel. What comes out is a
value as the sandbox writes it, compared here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from sandboxes import (
    Job,
    NotALiteral,
    NotSerialisable,
    Outcome,
    Status,
    TooLarge,
    canonical,
    parse_arguments,
    parse_literal,
    same_value,
)

from ..core.game import Request
from ..tasks.answer_expressions import BUILTINS, expression_fault, library_names
from ..tasks.code_task import CodeTask
from ..tasks.programs import program_fault
from .code_tasks import agree, gold_fault, is_lost
from .expressions import MAX_INPUT_CHARS
from .findings import GOLD_CHANGED, NONDETERMINISTIC, RIGHT, WORKER_LOST, WRONG, Checking

_VALUE, _CALL = "_value_of_expression", "_call_with_expressions"
# Expressions see Python's own functions and what the program imports from a few modules, and none of the program's names.
_HARNESS = """

def _names_of_expressions():
    import builtins
    names = {{"__builtins__": {{name: builtins.getattr(builtins, name) for name in {builtins!r}}}}}
    for name, (module, attribute) in {library!r}.items():
        found = builtins.__import__(module)
        names[name] = builtins.getattr(found, attribute) if attribute else found
    return names

def {value}(text):
    import builtins
    return builtins.eval("(\\n" + text + "\\n)", _names_of_expressions())
"""
_CALL_HARNESS = f"""

def {_CALL}(text):
    import builtins
    def _argument_list_(*positional, **keywords):
        return positional, keywords
    function = f
    given = {{"_argument_list_": _argument_list_}}
    positional, keywords = builtins.eval("_argument_list_(" + text + "\\n)", _names_of_expressions(), given)
    return function(*positional, **keywords)
"""


def check_stated_output(task: CodeTask, text: str, *, strict: bool = False, expressions: bool = False) -> Checking:
    """Whether a value is the task's output (deduction).

    Args:
        task: Its inputs and outputs are literals, or with `expressions` what `expression_fault` finds nothing in.
        text: The answer: a literal, or an expression.
        strict: As in `check_output`.
        expressions: Whether expressions count.

    Returns:
        `right`, `wrong` (so is an expression that raises, reaches a limit, or has no literal value); `not_literal`, or with
        `expressions` those of `expression_fault`; or void, as in `check_output`.
    """
    gold_jobs = _gold_jobs(task, expressions)
    if not gold_jobs:
        return GOLD_CHANGED
    value = literal_value(text)
    if value is None and (fault := expression_fault(text, task.program) if expressions else "not_literal"):
        return fault
    asked = [_value_job(task.program, (text,))] if value is None else []
    outcomes: list[Outcome] = yield [*asked, *gold_jobs]
    gold = _gold_outputs(task, outcomes[len(asked) :], strict)
    if isinstance(gold, str):
        return gold
    if value is not None:
        return RIGHT if same_value(value, gold[0], strict) else WRONG
    if is_lost(outcomes[0]):
        return WORKER_LOST
    return RIGHT if agree(outcomes[0], gold[:1], strict) else WRONG


def check_stated_input(task: CodeTask, text: str, *, strict: bool = False, expressions: bool = False) -> Checking:
    """Whether an argument list makes the program return the task's output (abduction); arguments as in `check_stated_output`.

    Returns:
        `right`, `wrong` (so are expressions that raise, reach a limit, or are not always the same); `not_literal`,
        `input_too_long`, or with `expressions` those of `expression_fault`; or void, as in `check_input`.
    """
    gold_jobs = _gold_jobs(task, expressions)
    if not gold_jobs:
        return GOLD_CHANGED
    call = literal_call(text)
    if call is None:
        fault = "input_too_long" if len(text) > MAX_INPUT_CHARS else "not_literal"
        if fault := expression_fault(text, task.program, arguments=True) if expressions else fault:
            return fault
    answer = text.strip() if call is None else call
    outcome, *proof = yield [_call_job(task.program, (answer,), task.program), *gold_jobs]
    gold = _gold_outputs(task, proof, strict)
    if isinstance(gold, str):
        return gold
    if is_lost(outcome):
        return WORKER_LOST
    if outcome.status is Status.NONDETERMINISTIC and call is not None:
        return NONDETERMINISTIC
    if agree(outcome, gold[:1], strict):
        return RIGHT
    return GOLD_CHANGED if answer == (literal_call(task.inputs[0]) or task.inputs[0].strip()) else WRONG


def check_stated_program(task: CodeTask, program: str, *, strict: bool = False, expressions: bool = False) -> Checking:
    """Whether a program reproduces every pair of the task (induction); `expressions` says whether its pairs may hold some.

    Returns:
        As `check_program`.
    """
    gold_jobs = _gold_jobs(task, expressions)
    if not gold_jobs:
        return GOLD_CHANGED
    if fault := program_fault(program):
        return fault
    job = replace(_call_job(program, task.inputs, task.program), may_meet=True)
    outcome, *proof = yield [job, *gold_jobs]
    gold = _gold_outputs(task, proof, strict)
    if isinstance(gold, str):
        return gold
    if is_lost(outcome):
        return WORKER_LOST
    return RIGHT if agree(outcome, gold, strict) else WRONG


def literal_value(text: str) -> str | None:
    """The canonical text of a literal, or None where the text is none."""
    try:
        return canonical(parse_literal(text))
    except (NotALiteral, NotSerialisable, TooLarge):
        return None


def literal_call(text: str) -> str | None:
    """The canonical text of an argument list of literals, or None where the text is none or longer than `MAX_INPUT_CHARS`."""
    try:
        return parse_arguments(text) if len(text) <= MAX_INPUT_CHARS else None
    except NotALiteral:
        return None


def _harness(program: str) -> str:
    return _HARNESS.format(builtins=sorted(BUILTINS), library=library_names(program), value=_VALUE)


def _value_job(program: str, texts: Sequence[str]) -> Job:
    """Evaluates expressions with what the program imports, where the program itself is not."""
    return Job(program=_harness(program), calls=tuple(map(repr, texts)), entry_point=_VALUE, determinism=True)


def _call_job(program: str, texts: Sequence[str], importing: str) -> Job:
    """Calls a program with argument lists; in expressions they may use what the program `importing` imports."""
    calls = tuple(call for text in texts if (call := literal_call(text)) is not None)
    if len(calls) == len(texts):
        return Job(program=program, calls=calls, determinism=True)
    text = program + _harness(importing) + _CALL_HARNESS
    return Job(program=text, calls=tuple(map(repr, texts)), entry_point=_CALL, determinism=True)


@lru_cache(maxsize=1024)
def _gold_jobs(task: CodeTask, expressions: bool) -> tuple[Request, ...]:
    """The jobs that show what a task's program returns, and what its outputs are where they are expressions; none if unfit."""
    faults = [expression_fault(text, task.program, arguments=True) for text in task.inputs if literal_call(text) is None]
    faults += [expression_fault(text, task.program) for text in task.outputs if literal_value(text) is None]
    if any(faults) or (faults and not expressions):
        return ()
    stated = all(literal_value(text) is not None for text in task.outputs)
    return _call_job(task.program, task.inputs, task.program), *(() if stated else (_value_job(task.program, task.outputs),))


def _gold_outputs(task: CodeTask, outcomes: Sequence[Outcome], strict: bool) -> tuple[str, ...] | str:
    """The canonical outputs of a task, given the outcomes of `_gold_jobs`, or the reason why it does not hold."""
    returned, *stated = outcomes
    if stated and is_lost(stated[0]):
        return WORKER_LOST
    outputs = (
        tuple(call.value or "" for call in stated[0].calls)
        if stated
        else tuple(literal_value(text) or "" for text in task.outputs)
    )
    return gold_fault(replace(task, outputs=outputs), [returned], strict) or outputs
