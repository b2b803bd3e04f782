"""Code tasks from elsewhere: outputs that are only stated, and expressions that decide nothing but their own value."""

import pytest

from sandboxes import CallOutcome, Job, Outcome, ScriptedSandbox, Status
from selfplay_envs import CodeTask, Referee
from selfplay_envs.verifiers.findings import VOID_TASK
from selfplay_envs.verifiers.stated_tasks import check_stated_input, check_stated_output, check_stated_program, literal_call

DOUBLE = "from collections import Counter\nimport math\nSEEN = {}\ndef g(x): return x * 2\ndef f(x): return g(x) + 1"
TASK = CodeTask(program=DOUBLE, inputs=("3",), outputs=("7",))
LAMBDA = CodeTask(
    program="def f(xs, test): return [test(x) for x in xs]", inputs=("[1, 2], lambda x: x < 2",), outputs=("[True, False]",)
)
RANGE = CodeTask(program="def f(xs): return sum(xs)", inputs=("range(4)",), outputs=("3 + 3",))


def findings(referee, check, task, texts, **options):
    checks = [check(task, text, **{"expressions": True, **options}) for text in texts]
    return dict(zip(texts, [answered.value for answered in referee.answer(checks)], strict=True))


def only(found, finding):
    assert found == dict.fromkeys(found, finding)


def test_outputs_by_value(referee):
    right = ["7", " 7 # f(3)", "3 + 4", "(lambda: 7)()", "sum([1, 2, 4])", "Counter('aaaaaaa')['a']", "math.floor(7.5)", "7.0"]
    only(findings(referee, check_stated_output, TASK, right), "right")
    wrong = ["8", "3 + 3", "'7'", "f'{7}'", "math.floor", "len", "1 / 0", "next(iter({'a', 'b'}))", "float('nan')"]
    only(findings(referee, check_stated_output, TASK, wrong), "wrong")
    assert findings(referee, check_stated_output, TASK, ["3.5 + 3.5", "3 + 4"], strict=True) == {
        "3.5 + 3.5": "wrong",
        "3 + 4": "right",
    }


def test_no_answer_says_of_itself_that_it_is_right(referee):
    """An object equal to everything, an exit, the entry point under any name, another `f`, another `len`."""
    cheats = [
        *("type('E', (), {'__eq__': lambda s, o: True})()", "exit()", "f(3)", "g(3) + 1", "[f][0](3)", "globals()['f'](3)"),
        *("(f := lambda x: 7)", "__builtins__.update(len=7)", "setattr(math, 'pi', 7)", "SEEN.update(a=7)", "print(7) or 7"),
        *("(lambda: 0).__globals__['f'](3)", "[0 for math.pi in [7]]", "__import__('os')._exit(0)", "eval('f(3)')"),
    ]
    only(findings(referee, check_stated_output, TASK, cheats), "forbidden_expression")
    only(findings(referee, check_stated_input, TASK, cheats), "forbidden_expression")
    only(findings(referee, check_stated_output, TASK, ["7) or (7", "7)\nimport os\n(7", ""]), "not_expression")


def test_inputs_by_what_the_program_returns(referee):
    right = ["3", "1 + 2", "x=1 + 2", "*[3]", "**{'x': 3}", "len('abc')", "3.0", "3 # three", "[3][0]"]
    only(findings(referee, check_stated_input, TASK, right), "right")
    only(findings(referee, check_stated_input, TASK, ["4", "range(3)", "lambda: 3", "Counter()", "3, 3", "1 / 0", ""]), "wrong")
    only(findings(referee, check_stated_input, TASK, ["3) or (7", "3)(4"]), "not_expression")


def test_gold_values_that_no_literal_spells(referee):
    answers = ["[True, False]", "[1 < 2, False]"]
    only(findings(referee, check_stated_output, LAMBDA, answers), "right")
    only(findings(referee, check_stated_output, LAMBDA, ["[True]", "[True, True]"]), "wrong")
    right = [LAMBDA.inputs[0], "range(1, 3), lambda x: not x - 1", "test=lambda x: x == 1, xs=[1, 5]"]
    only(findings(referee, check_stated_input, LAMBDA, right), "right")
    only(findings(referee, check_stated_input, LAMBDA, ["[1, 2], bool", "[1, 2], None", "[1]"]), "wrong")
    assert findings(referee, check_stated_output, RANGE, ["6", "5"]) == {"6": "right", "5": "wrong"}
    assert findings(referee, check_stated_input, RANGE, ["[6]", "range(4)", "(3,)"]) == {
        "[6]": "right",
        "range(4)": "right",
        "(3,)": "wrong",
    }


def test_programs_on_pairs_of_expressions(referee):
    task = CodeTask(program="def f(d): return d", inputs=("dict(a=1)", "2", "range(2)"), outputs=("dict(a=1)", "2", "range(2)"))
    fit = CodeTask(program=task.program, inputs=task.inputs[:2], outputs=task.outputs[:2])
    programs = [fit.program, "f = lambda d: d", "def f(d): return 2", "def f(d): return exit()", "def g(d): return d"]
    assert list(findings(referee, check_stated_program, fit, programs).values()) == [
        "right",
        "right",
        "wrong",
        "wrong",
        "no_entry_point",
    ]
    only(
        findings(referee, check_stated_program, task, programs[:1]), "gold_changed"
    )  # a range is no value that can be compared


def test_without_expressions_only_literals_count(referee):
    for check in (check_stated_output, check_stated_input):
        found = findings(referee, check, TASK, ["7", "3", "3 + 4", "f(3)"], expressions=False)
        assert [found["3 + 4"], found["f(3)"]] == ["not_literal"] * 2
        assert {found["7"], found["3"]} == {"right", "wrong"}
        only(findings(referee, check, LAMBDA, ["[True, False]"], expressions=False), "gold_changed")
    only(findings(referee, check_stated_input, TASK, ["'" + "a" * 2_000 + "'"], expressions=False), "input_too_long")


@pytest.mark.parametrize(
    ("program", "output"),
    [
        ("def f(x): return x + 1", "7"),  # proved to return the same every time, which is not what the row states
        ("def f(x): return 7", "'cut off..."),
        ("def f(x): return 7", "f(3)"),
        ("def f(x): return id(object())", "7"),
        ("def f(x): raise KeyError", "7"),
    ],
)
def test_rows_that_do_not_hold_are_fit_for_nobody(referee, program, output):
    task = CodeTask(program=program, inputs=("3",), outputs=(output,))
    for check, text in ((check_stated_output, "7"), (check_stated_input, "3"), (check_stated_program, program)):
        assert findings(referee, check, task, [text])[text] in VOID_TASK


def test_a_lost_sandbox_charges_nobody():
    lost = ScriptedSandbox(lambda job: Outcome.uniform(Status.WORKER_LOST, len(job.calls)))
    for task in (TASK, LAMBDA, RANGE):
        for check in (check_stated_output, check_stated_input):
            only(findings(Referee(lost), check, task, ["7", "1 + 2"]), "worker_lost")
        only(findings(Referee(lost), check_stated_program, task, [task.program]), "worker_lost")


def test_an_answer_that_the_sandbox_lost_is_not_wrong():
    def answer(job: Job) -> Outcome:
        if job.program != DOUBLE:
            return Outcome.uniform(Status.WORKER_LOST, len(job.calls))
        return Outcome.of([CallOutcome(status=Status.OK, value="7")])

    for check in (check_stated_output, check_stated_input):
        only(findings(Referee(ScriptedSandbox(answer)), check, TASK, ["1 + 2"]), "worker_lost")


def test_an_answer_that_does_not_end_costs_its_limit(referee):
    assert findings(referee, check_stated_output, TASK, ["[x for x in range(10**12)]"]).popitem()[1] == "wrong"


def test_literal_argument_lists():
    assert literal_call("[1,2],k = 'a'") == "[1, 2], k='a'"
    assert literal_call("range(3)") is None
