"""Fixed code tasks: rows in every form, replies in every form, gold replies, and verdicts by execution."""

import pytest

from selfplay_envs import CodeTask, UsageError
from selfplay_envs.replies.parsing import fence, read_reply
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.table import find_answer_verifier

PROGRAM = "def f(x):\n    return x * 2 + 1"
TASK = CodeTask(program=PROGRAM, inputs=("3",), outputs=("7",))
PAIRS = CodeTask(program=PROGRAM, inputs=("1", "2", "3"), outputs=("3", "5", "7"), message="An odd one.")
LAMBDA = {
    "code": "def f(xs, test):\n    return [test(x) for x in xs]",
    "input": "[1, 2], lambda x: x < 2",
    "output": "[True, False]",
}


def findings(referee, verifier, row, replies):
    """The finding, or the fault, of every reply to the problem of a row."""
    judge = find_answer_verifier(verifier)
    problem = Problem.from_json(judge.problem(row).to_json())
    found = [judge.extract(read_reply(reply)) for reply in replies]
    checks = [judge.check(problem, one.answer) for one in found if not one.fault]
    values = iter([answered.value for answered in referee.answer(checks)])
    return [one.fault or next(values) for one in found]


@pytest.mark.parametrize(
    ("row", "task"),
    [
        (TASK.to_json(), TASK),
        ({"snippet": PROGRAM, "input": "3", "output": "7", "imports": []}, TASK),
        ({"code": PROGRAM, "input": "3", "output": "7", "id": "sample_1"}, TASK),
        ({"snippet": PROGRAM, "inputs": ["1", "2", "3"], "outputs": ["3", "5", "7"], "message": "An odd one."}, PAIRS),
        ({"snippet": PROGRAM, "inputs": '["1", "2", "3"]', "outputs": '["3", "5", "7"]', "message": "An odd one."}, PAIRS),
    ],
)
def test_rows_in_every_form(row, task):
    problem = find_answer_verifier("deduction").problem(row)
    assert problem.data == task.to_json()
    assert problem.fields == {"program": PROGRAM, "input": task.inputs[0]}
    assert problem.id == row.get("id", "")
    assert find_answer_verifier("abduction").problem(row).fields == {"program": PROGRAM, "output": task.outputs[0]}


def test_induction_shows_half_of_the_pairs_and_never_the_program():
    problem = find_answer_verifier("induction").problem(PAIRS.to_json())
    assert problem.fields == {"message": "An odd one.", "pairs": fence("input", "1") + "\n" + fence("output", "3")}
    assert find_answer_verifier("induction").key(problem) == PROGRAM


@pytest.mark.parametrize(
    ("verifier", "row", "sentence"),
    [
        ("deduction", {"program": PROGRAM, "inputs": ["1"], "outputs": []}, "outputs=[]"),
        ("deduction", {"program": PROGRAM, "inputs": ["1", "2"], "outputs": ["1"]}, "inputs has 2 and outputs has 1"),
        ("deduction", {"program": PROGRAM, "inputs": "1", "outputs": ["1"]}, "inputs=1 is no list"),
        ("deduction", {"program": PROGRAM, "inputs": "x", "outputs": ["1"]}, "inputs='x'"),
        ("deduction", {"program": " ", "inputs": ["1"], "outputs": ["1"]}, "program=' '"),
        ("deduction", {"code": PROGRAM, "input": 3, "output": "7"}, "input=3 is not a text"),
        ("deduction", {"code": PROGRAM, "input": "3", "output": "seven"}, "output='seven' is no literal"),
        ("abduction", LAMBDA, "verifier=abduction:expressions=1"),
        ("induction", TASK.to_json(), "at least 2"),
        ("deduction", {**TASK.to_json(), "message": 3}, "message=3"),
    ],
)
def test_rows_that_are_no_task(verifier, row, sentence):
    with pytest.raises(UsageError) as error:
        find_answer_verifier(verifier).problem(row)
    assert sentence in str(error.value)


def test_the_gold_reply_is_read_as_the_gold_answer_and_right(referee):
    for text, row, gold in (
        ("deduction", TASK.to_json(), "7"),
        ("abduction:strict=1", TASK.to_json(), "3"),
        ("induction", PAIRS.to_json(), PROGRAM),
        ("deduction:expressions=1", LAMBDA, LAMBDA["output"]),
        ("abduction:expressions=1", LAMBDA, LAMBDA["input"]),
    ):
        judge = find_answer_verifier(text)
        reply = judge.gold(judge.problem(row))
        assert reply is not None
        assert judge.extract(read_reply(reply)) == (gold, "")
        assert findings(referee, text, row, [reply]) == ["right"]


def test_deduction(referee):
    replies = [
        fence("output", "7"),
        "assert f(3) == 7\n[/ANSWER]",
        "Answer: 7.0",
        fence("output", "8"),
        fence("output", "3 + 4"),
        "Seven.",
    ]
    expected = ["right", "right", "right", "wrong", "not_literal", "no_output_block"]
    assert findings(referee, "deduction", TASK.to_json(), replies) == expected
    expected = ["right", "right", "wrong", "wrong", "right", "no_output_block"]
    assert findings(referee, "deduction:expressions=1,strict=1", TASK.to_json(), replies) == expected


def test_abduction(referee):
    three, one = fence("input", "f(3)"), fence("input", "f(1)")
    replies = [fence("input", "3"), "assert f(3) == 7", three, one, "assert f(1 + 2) == 7", "[ANSWER]4[/ANSWER]", "Three."]
    expected = ["right", "right", "right", "wrong", "not_literal", "wrong", "no_input_block"]
    assert findings(referee, "abduction", TASK.to_json(), replies) == expected
    expected[4] = "right"
    assert findings(referee, "abduction:expressions=1", TASK.to_json(), replies) == expected


def test_induction(referee):
    shown_only = "def f(x):\n    return 3 if x == 1 else 0"
    hidden_only = "def f(x):\n    return 0 if x == 1 else x * 2 + 1"
    programs = (PROGRAM, hidden_only, shown_only, "def g(x): return 1", "def f(x:")
    replies = [*(fence("python", text) for text in programs), "An odd one."]
    expected = ["right", "right", "wrong", "no_entry_point", "syntax_error", "no_program_block"]
    for options in ("", ":expressions=1"):
        assert findings(referee, f"induction{options}", PAIRS.to_json(), replies) == expected
