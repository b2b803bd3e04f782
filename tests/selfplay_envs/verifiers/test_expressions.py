"""Inputs that proposers write as expressions: evaluated in the sandbox once, literals from then on."""

import pytest

from sandboxes import CallOutcome, Job, NotALiteral, Outcome, ScriptedSandbox, Status
from selfplay_envs import CodeTask, Referee
from selfplay_envs.core.syntax import is_argument_list
from selfplay_envs.verifiers.code_tasks import check_input, validate
from selfplay_envs.verifiers.expressions import argument_text, resolve_inputs

PROGRAM = "SIZE = 3\ndef twice(n):\n    return [n, n]\ndef f(*items, **named):\n    return len(items) + len(named)"


def resolved(referee, inputs, program=PROGRAM):
    """What becomes of each input by itself."""
    return [answered.value for answered in referee.answer([resolve_inputs(program, [text]) for text in inputs])]


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("list(range(4))", "[0, 1, 2, 3]"),
        ("float('inf'), -float('inf')", "1e999, -1e999"),
        ("'a' * 5", "'aaaaa'"),
        ("n=[0] * 2, m='x'.upper()", "n=[0, 0], m='X'"),
        ("twice(SIZE)", "[3, 3]"),
        ("*[1, 2], **{'a': 1}", "1, 2, a=1"),
        ("x := 3", "3"),
        ("(x := [1]), x + [2]", "[1], [1, 2]"),
        ("sum(i for i in range(4))  # not 4", "6"),
        ("1,\n2 + 0,  # two\n", "1, 2"),
        ("frozenset('a') | {2.0}, set()", "frozenset({'a', 2.0}), set()"),
        ("{**{'a': 1}}, 10 ** 3", "{'a': 1}, 1000"),
        ("1 or (2)", "1"),
        ("*[]", ""),
    ],
)
def test_an_expression_becomes_the_literal_that_it_evaluates_to(referee, text, literal):
    assert resolved(referee, [text]) == [(literal,)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # text that would make something else than one call of the program
        ("1) or (2", "input_not_literal"),
        ("1)(2", "input_not_literal"),
        ("1), f(2", "input_not_literal"),
        ("1) if f(0) else f(2", "input_not_literal"),
        ("1).real.__add__(2", "input_not_literal"),
        ("1)\n+ f(2", "input_not_literal"),
        ("1)  # comment", "input_not_literal"),
        ("1); import os; (2", "input_not_literal"),
        ("x = 1; y", "input_not_literal"),
        ("\x00", "input_not_literal"),
        ("'\ud800'", "input_not_literal"),
        ("(" * 500, "input_not_literal"),
        # values that are no literals
        ("range(3)", "input_not_literal"),
        ("i for i in range(3)", "input_not_literal"),
        ("lambda: 1", "input_not_literal"),
        ("float('nan')", "input_not_literal"),
        ("object()", "input_not_literal"),
        ("**{'not a name': 1}", "input_not_literal"),
        ("**{'a=1, b': 2}", "input_not_literal"),
        ("**{'\ufb01': 2}", "input_not_literal"),  # Python would read this keyword as `fi`
        # expressions that fail
        ("1 / 0", "input_raised"),
        ("nobody(1)", "input_raised"),
        ("(yield)", "input_raised"),
        ("__import__('os')._exit(0)", "input_raised"),
        ("__import__('random').random()", "input_nondeterministic"),
        ("id(object())", "input_nondeterministic"),
        ("list({'a', 'b', 'c', 'd', 'e', 'f'})", "input_nondeterministic"),
        ("[0] * 10 ** 10", "input_memory"),
        ("sum(iter(int, 1))", "input_timeout"),
        # long ones: as text, as a value, and beyond what a sandbox returns
        ("1 + " * 600 + "1", "input_too_long"),
        ("'a' * 2001", "input_too_long"),
        ("'a' * 10 ** 6", "input_too_long"),
    ],
)
def test_every_other_expression_is_refused_with_its_reason(referee, text, reason):
    assert resolved(referee, [text]) == [reason]


@pytest.mark.parametrize(
    "answer",
    ["7", "'([1], {})'", "([1],)", "([1], {2: 3})", "([1], {'a b': 1})", "([1], {'class': 1})", "((1,), {})", "([1], {}, 1)"],
)
def test_a_program_that_answers_for_its_own_input_gets_an_argument_list_or_nothing(answer):
    """The harness shares its process with the proposer's program, so anything may come back."""
    forged = ScriptedSandbox([Outcome.of([CallOutcome(status=Status.OK, value=answer)])])
    assert resolved(Referee(forged), ["1 + 1"]) == ["input_not_literal"]


def test_literals_ask_nobody_and_expressions_share_one_deterministic_job():
    scripted = ScriptedSandbox(
        lambda job: Outcome.of([CallOutcome(status=Status.OK, value=f"([{i}], {{}})") for i in range(len(job.calls))])
    )
    [answered] = Referee(scripted).answer([resolve_inputs(PROGRAM, ["[1,2]", "1 + 1", "a = 'x'", "2 + 2"])])
    assert answered.value == ("[1, 2]", "0", "a='x'", "1")
    [job] = scripted.jobs
    assert isinstance(job, Job)
    assert job.determinism
    assert job.calls == ("'1 + 1'", "'2 + 2'")


def test_only_the_literal_goes_on_from_validation(referee):
    [answered] = referee.answer([validate("def f(x):\n    return x[1:]", ["list(range(3))"])])
    assert answered.value == CodeTask(program="def f(x):\n    return x[1:]", inputs=("[0, 1, 2]",), outputs=("[1, 2]",))


def test_a_solver_may_not_write_expressions(referee):
    task = CodeTask(program="def f(x):\n    return x[1:]", inputs=("[0, 1, 2]",), outputs=("[1, 2]",))
    texts = ["list(range(3))", "[0, 1, 1 + 1]", "[0, 1, 2]"]
    found = [answered.value for answered in referee.answer([check_input(task, text) for text in texts])]
    assert found == ["not_literal", "not_literal", "right"]


def test_argument_lists_are_told_from_what_only_looks_like_one():
    assert is_argument_list("1, *rest, key=2, **more")
    assert is_argument_list("")
    assert not is_argument_list("1) + f(2")
    assert argument_text([1, "a"], {"k": [True]}) == "1, 'a', k=[True]"
    for positional, keywords in (((1,), {}), ([1], []), ([1], {1: 2}), ([1], {"for": 2})):
        with pytest.raises(NotALiteral):
            argument_text(positional, keywords)
